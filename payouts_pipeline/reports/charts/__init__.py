"""Charts for the asset pages: the money of a day as a flow, and the last weeks as bars.

What draws is imported with the first chart.
"""
