-- Takes a number for this session, which gives it back by ending. That of a machine without power ends by keepalives.
select set_config('tcp_keepalives_idle', '60', false), pg_advisory_lock(%(lock)s, %(number)s)
