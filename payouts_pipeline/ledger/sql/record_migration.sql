-- Notes that a migration was applied, in the transaction that applied it.
insert into payouts.migrations (name) values (%(name)s)
