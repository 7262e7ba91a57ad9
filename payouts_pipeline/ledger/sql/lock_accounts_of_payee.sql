-- Locks the accounts of one payee, in the order of their ids: no instruction of it is made or taken up meanwhile.
select id from payouts.accounts where subject = %(subject)s and subject_id = %(subject_id)s order by id
for no key update
