-- Rule 7: bookings whose entries are not what their lines say, account by account.
with booking as (
    select id, day from payouts.bookings where %(days)s::date[] is null or day = any(%(days)s)
), line as (
    select booking_id, day, 'player' as subject, player_id as subject_id, currency, amount_minor
    from payouts.fees
    where %(days)s::date[] is null or day = any(%(days)s)
    union all
    select booking_id, day, billing_subject, subject_id, currency, -amount_minor
    from payouts.shares
    where %(days)s::date[] is null or day = any(%(days)s)
), stated as (
    select l.booking_id, coalesce(a.id, 0) as account_id, l.currency, sum(l.amount_minor) as amount_minor
    from line as l
    left join payouts.accounts as a using (subject, subject_id, currency)
    group by l.booking_id, a.id, l.currency
), entered as (
    select booking_id, account_id, currency, sum(amount_minor) as amount_minor
    from payouts.entries
    where booking_id in (select id from booking)
    group by booking_id, account_id, currency
)
select 'booking' as kind, booking_id::text as id,
    format(
        'account %%s: the lines say %%s %%s and the entries %%s', account_id,
        coalesce(stated.amount_minor, 0), currency, coalesce(entered.amount_minor, 0)
    ) as detail
from stated
full join entered using (booking_id, account_id, currency)
where coalesce(stated.amount_minor, 0) <> coalesce(entered.amount_minor, 0)
union all
select distinct 'booking', l.booking_id::text, format('lines of %%s name a booking that is not of that day', l.day)
from line as l
where not exists (select from booking as b where b.id = l.booking_id and b.day = l.day)
