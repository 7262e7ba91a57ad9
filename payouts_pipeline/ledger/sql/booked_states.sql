-- The days of a period that were booked, each with a text that changes when what is booked or held out of it changes.
select d.day,
    coalesce((select max(b.id) from payouts.bookings as b where b.day = d.day), 0)
    || ' '
    || coalesce((
        select sum(hashtextextended(row(h.match_player_id, h.match_id, h.reason)::text, 0))
        from payouts.held_out as h
        where h.day = d.day
    ), 0) as state
from payouts.days as d
where d.day between %(first_day)s and %(last_day)s
order by d.day
