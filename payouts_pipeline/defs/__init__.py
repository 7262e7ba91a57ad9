"""What Dagster shows and runs: assets, checks, job, schedule, sensors, and the resources that they need.

A module for each of Dagster's nouns. Here stands what is Dagster's, and the words on its pages; how a day is moved is
in `workflow`, what is found of it in `reports`, which rules hold in `domain`. `dagster_private` has all that Dagster
does not promise to keep.
"""
