-- Opens a booking of a day; the fees and shares that follow carry its id.
insert into payouts.bookings (day, actor) values (%(day)s, %(actor)s) returning id
