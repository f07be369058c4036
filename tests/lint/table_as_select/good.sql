create temporary table docs_wanted as select id from app.docs;

create materialized view app.doc_counts as select count(*) as n from app.docs;
create unique index doc_counts_n_key on app.doc_counts (n);

do $$
declare
    v_count bigint;
begin
    select count(*) into v_count from app.docs;
end $$;
