-- Locks the instructions that messages name, in the order of their ids as every transaction does. It waits for who has
-- one: a message is deleted after this, so an instruction that was passed over would wait for another one for minutes.
select id from payouts.instructions where id = any(%(ids)s) order by id for update
