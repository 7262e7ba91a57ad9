-- Who is on hold, and why, as instructions show it.
select subject as billing_subject, subject_id, why_held as why_on_hold from payouts.held_payees
