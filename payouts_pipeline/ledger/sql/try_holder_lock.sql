-- Whether nobody has the number; if so, it is taken for no longer than this statement.
select pg_try_advisory_xact_lock(%(lock)s, %(number)s)
