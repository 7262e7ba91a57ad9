-- Lets an instruction above the limit go; once.
insert into payouts.approvals (instruction_id, actor, reason) values (%(id)s, %(actor)s, %(reason)s)
on conflict (instruction_id) do nothing
