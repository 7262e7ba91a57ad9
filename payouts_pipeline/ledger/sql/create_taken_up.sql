-- Where instructions are collected that go on, or are held from now on or for another reason, with the status that
-- they had and the Stripe ids of now.
create temporary table taken_up (
    id uuid, old_status text, status text, reason text,
    stripe_account_id text, stripe_customer_id text, stripe_payment_method_id text
) on commit drop
