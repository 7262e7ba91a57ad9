-- Forgets what was held out of a day, before the new list goes in.
delete from payouts.held_out where day = %(day)s
