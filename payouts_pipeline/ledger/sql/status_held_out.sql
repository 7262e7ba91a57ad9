-- How many fees of a day can't be split, by reason.
select reason, count(*) from payouts.held_out where day = %(day)s group by reason order by reason
