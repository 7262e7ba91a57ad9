-- The share rows of every fee structure that has begun by the day, in a fixed order, so that equal terms are equal
-- texts.
select
    s.fee_structure_id,
    json_agg(
        json_build_array(s.billing_subject, s.partner_id, s.fixed_minor, s.share_bps)
        order by s.billing_subject, s.partner_id, s.fixed_minor, s.share_bps
    )::text as shares_json
from league.fee_shares as s
join league.fee_structures as f on f.id = s.fee_structure_id
where f.effective_from <= %(day)s
group by s.fee_structure_id
