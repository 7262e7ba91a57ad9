-- How much the auditor looked at: lines of fees and shares, instructions, accounts.
select
    (select count(*) from payouts.fees where %(days)s::date[] is null or day = any(%(days)s))
    + (select count(*) from payouts.shares where %(days)s::date[] is null or day = any(%(days)s)),
    (select count(*) from payouts.instructions where %(days)s::date[] is null or day = any(%(days)s)),
    (select count(*) from audit_scope)
