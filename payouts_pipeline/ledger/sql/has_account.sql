-- Whether the ledger knows a payee.
select exists (select from payouts.accounts where subject = %(subject)s and subject_id = %(subject_id)s)
