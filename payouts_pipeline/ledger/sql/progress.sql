-- How many instructions of a day there are, and how many of them are settled.
select count(*) filter (where status = 'settled'), count(*) from payouts.instructions where day = %(day)s
