-- Tells the planner what is in the table.
analyze uncollected
