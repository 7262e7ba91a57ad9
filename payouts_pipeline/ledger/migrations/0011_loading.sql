-- A day of a million fees makes its charges at once. That the account of each is one that there is was looked at row by
-- row, which locked every account once more; now all rows of a statement are looked at together. Accounts are never
-- deleted, nor do their ids change.
--
-- Workers that do not know this migration go on.

alter table payouts.instructions drop constraint instructions_account_id_fkey;

create function payouts.assert_accounts() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (
        select from new_rows as n left join payouts.accounts as a on a.id = n.account_id where a.id is null
    ) then
        raise exception 'an instruction moves money of an account that there is';
    end if;
    return null;
end
$$;
create trigger of_accounts after insert on payouts.instructions
    referencing new table as new_rows
    for each statement execute function payouts.assert_accounts();
