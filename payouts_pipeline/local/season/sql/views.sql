-- Views and foreign tables in schema league: an operator put them there over their own data.
select c.relname as name
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'league' and c.relkind in ('v', 'm', 'f')
order by c.relname
