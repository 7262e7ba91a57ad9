-- What a payout pays: what each release made payable.
select r.day, l.release_id, r.released_at, l.amount_minor
from payouts.release_lines as l
join payouts.releases as r on r.id = l.release_id
where l.payout_id = %(id)s
order by r.day, l.release_id
