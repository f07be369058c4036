alter policy claims_drop on bd.claims using (amount < 1000 and account_id = nullif(current_setting('bd.t', true), '')::bigint);
