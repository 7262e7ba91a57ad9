-- Waits until no other transaction books or pays this day.
select day from payouts.days where day = %(day)s for update
