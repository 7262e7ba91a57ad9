"""Charts for the asset pages: the money of a day as a flow, and the last weeks as bars.

matplotlib is imported when the first chart is drawn, since importing it takes as long as many a run.
"""
