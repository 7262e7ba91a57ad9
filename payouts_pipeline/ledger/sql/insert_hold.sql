-- Places a hold on a payee, or releases it from one.
insert into payouts.holds (subject, subject_id, is_hold, actor, reason)
values (%(subject)s, %(subject_id)s, %(is_hold)s, %(actor)s, %(reason)s)
