-- The accounts that the days moved, or all of them: what the auditor recomputes. `debit` is +1 where the account's
-- usual direction is a debit.
create temporary table audit_scope on commit drop as
select a.id, a.subject, a.subject_id, a.currency, case a.subject when 'player' then 1 else -1 end as debit
from payouts.accounts as a
where a.subject <> 'provider'
    and (
        %(days)s::date[] is null
        or (a.subject, a.subject_id, a.currency) in (
            select 'player', f.player_id, f.currency from payouts.fees as f where f.day = any(%(days)s)
            union
            select s.billing_subject, s.subject_id, s.currency from payouts.shares as s where s.day = any(%(days)s)
        )
        or a.id in (
            select i.account_id from payouts.instructions as i where i.day = any(%(days)s)
            union
            select l.account_id
            from payouts.release_lines as l
            join payouts.releases as r on r.id = l.release_id
            where r.day = any(%(days)s)
        )
    )
