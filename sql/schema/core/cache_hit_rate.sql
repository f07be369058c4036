-- core.cache_hit_rate: how often the cache had what was asked for, in the last hour.

create view core.cache_hit_rate with (security_invoker = true) as
select r.name, r.hits, r.misses, r.hit_rate
  from core.cache_stats_report(interval '1 hour') as r
 order by r.hits + r.misses desc, r.name;

comment on view core.cache_hit_rate is 'Hits, misses and their rate per cache policy in the last hour; the policies that are read most come first.';
comment on column core.cache_hit_rate.hit_rate is 'Hits of all reads, 0 to 1; null where nobody read.';
