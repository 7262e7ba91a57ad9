-- The accounts of one player or payee, in all currencies.
select id from payouts.accounts where subject = %(subject)s and subject_id = %(subject_id)s
