-- Where the instructions are collected that can go on, with the Stripe ids of now.
create temporary table ready (
    id uuid, status text,
    stripe_account_id text, stripe_customer_id text, stripe_payment_method_id text
) on commit drop
