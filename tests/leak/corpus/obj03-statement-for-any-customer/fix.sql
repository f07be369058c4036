create or replace function bank.statement(p_customer uuid, p_from date default '2000-01-01', p_to date default '2100-01-01')
returns table (posted_on date, amount numeric, purpose text, balance numeric)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if p_customer is distinct from nullif(current_setting('bank.customer', true), '')::uuid then
        raise exception 'not your account' using errcode = 'insufficient_privilege';
    end if;
    return query
        select x.posted_on, x.amount, x.purpose, sum(x.amount) over (order by x.posted_on, x.seq)
          from bank.postings x
         where x.customer_id = p_customer and x.posted_on between p_from and p_to;
end $$;
