-- How many fees were released.
select count(*) from due
