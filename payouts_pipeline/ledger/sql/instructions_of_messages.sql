-- What messages point to: whose queue they belong on, and how far it is.
select id, billing_type, status from payouts.instructions where id = any(%(ids)s)
