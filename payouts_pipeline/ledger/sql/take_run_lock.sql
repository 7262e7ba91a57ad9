-- Takes the run lock of a day for this session, and waits for it.
select pg_advisory_lock(%(lock)s, %(day)s)
