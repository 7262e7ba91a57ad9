-- What a release makes payable on each account.
insert into payouts.release_lines (release_id, account_id, amount_minor)
select %(release_id)s, a.id, sum(s.amount_minor)
from due as d
join payouts.shares as s using (day, match_player_id, match_id, player_id, currency, booking_id)
join payouts.accounts as a
    on a.subject = s.billing_subject and a.subject_id = s.subject_id and a.currency = s.currency
group by a.id
having sum(s.amount_minor) <> 0
