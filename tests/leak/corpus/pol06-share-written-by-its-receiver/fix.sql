alter policy shares_add on sr.shares with check (account_id = nullif(current_setting('sr.t', true), '')::bigint);
