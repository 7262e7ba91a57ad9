-- Whether a day was ever materialised.
select exists (select from payouts.days where day = %(day)s)
