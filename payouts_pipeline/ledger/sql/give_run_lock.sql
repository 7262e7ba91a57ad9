-- Gives the run lock of a day back.
select pg_advisory_unlock(%(lock)s, %(day)s)
