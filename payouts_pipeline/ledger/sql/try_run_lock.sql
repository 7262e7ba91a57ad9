-- Takes the run lock of a day for this session if nobody has it.
select pg_try_advisory_lock(%(lock)s, %(day)s)
