-- Locks one account, before its instructions.
select id from payouts.accounts where id = %(account_id)s for no key update
