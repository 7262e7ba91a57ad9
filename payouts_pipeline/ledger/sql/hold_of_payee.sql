-- Why a payee is on hold; no row where it is not.
select why_held from payouts.held_payees where subject = %(subject)s and subject_id = %(subject_id)s
