-- Where new instructions are collected before they are inserted at once.
create temporary table new_instructions (
    id uuid, account_id bigint, billing_type text, currency char(3), amount_minor bigint, sequence int,
    status text, reason text, approval_above_minor bigint,
    stripe_account_id text, stripe_customer_id text, stripe_payment_method_id text
) on commit drop
