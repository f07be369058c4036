select set_config('lock_timeout', '2s', true), set_config('statement_timeout', '1min', true);
alter table app.docs add column region text;
