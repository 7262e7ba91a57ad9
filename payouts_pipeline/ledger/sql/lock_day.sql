-- Takes the lock under which a day is booked, and makes the day's row the first time.
insert into payouts.days (day) values (%(day)s) on conflict (day) do nothing
