-- Gives a number of this session back.
select pg_advisory_unlock(%(lock)s, %(number)s)
