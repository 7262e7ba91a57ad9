-- Payouts wait until our balance at the provider covers them, and are not sent to be refused.
--
-- Workers that do not know this migration go on.

insert into payouts.transitions (from_status, to_status) values ('pending', 'waiting');

-- What becomes available from now on: few of all lines that ever were.
create index balance_transactions_by_availability on payouts.balance_transactions (available_on);
