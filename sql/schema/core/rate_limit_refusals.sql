-- core.rate_limit_refusals: counts refused requests. A sequence, and unlogged: the count survives the rollback that a refusal ends in,
-- and it costs neither a row lock nor WAL. It begins anew after a crash.

create unlogged sequence core.rate_limit_refusals;

comment on sequence core.rate_limit_refusals is 'Requests refused by core.rate_limit since the last crash; core.rate_limit_report reads it.';
