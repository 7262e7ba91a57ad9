-- Which of the players can't be charged more for now, as `charges_due` sees it: a fee was corrected, and a part of it is
-- covered by a charge whose outcome is open.
select distinct a.id
from payouts.fees as f
join payouts.accounts as a on a.subject = 'player' and a.subject_id = f.player_id and a.currency = f.currency
where f.player_id = any(%(player_ids)s) and f.release_id is null
group by a.id, f.day, f.match_player_id
having bool_or(f.charge_id is null) and bool_or(f.charge_id is not null)
