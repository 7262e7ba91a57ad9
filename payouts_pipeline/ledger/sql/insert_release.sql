-- Opens a release, if there is anything to release.
insert into payouts.releases (day, actor)
select %(day)s, %(actor)s where exists (select from due)
returning id
