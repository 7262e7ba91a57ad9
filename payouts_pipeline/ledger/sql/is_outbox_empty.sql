-- Whether a day has nothing left to publish for the first time.
select not exists (
    select from payouts.instructions
    where day = %(day)s and billing_type = any(%(billing_types)s) and status = 'pending'
)
