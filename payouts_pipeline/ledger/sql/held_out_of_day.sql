-- The fees of a day that were held out when it was last booked.
select match_player_id, match_id, reason from payouts.held_out where day = %(day)s
order by match_player_id, match_id, reason collate "C"
