-- Ties everything payable on the new payouts' accounts to its payout.
update payouts.release_lines as l
set payout_id = n.id
from new_instructions as n
where l.account_id = n.account_id and l.payout_id is null
