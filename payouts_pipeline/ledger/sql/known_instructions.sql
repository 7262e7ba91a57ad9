-- Which ids that messages name are really ours, and belong on the queue that they came by.
select id from payouts.instructions where id = any(%(ids)s) and billing_type = %(billing_type)s
