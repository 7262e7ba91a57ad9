-- The database's time: the only clock that the states of instructions are compared with.
select now()
