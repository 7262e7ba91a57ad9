"""The command line: one module for each group of commands, and how results look on a terminal and as JSON."""
