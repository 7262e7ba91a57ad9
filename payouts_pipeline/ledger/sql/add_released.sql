-- Makes the lines of a release payable on their accounts.
update payouts.accounts as a
set released_minor = a.released_minor + l.amount_minor
from payouts.release_lines as l
where l.release_id = %(release_id)s and a.id = l.account_id
