create function app.f1(p_id bigint, p_title text) returns text
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text;
    r record;
    v_doc app.docs;
begin
    select body into v_text from app.docs where id = p_id and p_title <> v_text and f1.p_title <> '';
    select d.body as title into v_text from app.docs d order by title;
    with recent as (select id, body as words from app.docs) select words into v_text from recent where words <> '';
    select x.anything into v_text from jsonb_to_record('{}') as x (anything text);
    select s.n into v_text from (select count(*) as n from app.docs) s;
    for r in select id, body as words from app.docs loop
        v_text := r.words;
    end loop;
    select dl.id into v_text from app.doc_list dl where dl.ctid is not null and exists (select from app.orders o where o.total = dl.id);
    select anything into v_text from app.elsewhere;
    update app.docs set body = new.body where found and tg_op <> sqlerrm and to_jsonb(old) is not null;
    insert into app.docs (id, body) values (1, 'x') on conflict (id) do update set body = excluded.body;
    v_text := v_doc.body;
    return (select docs::text from app.docs limit 1);
end
$$;
create function app.tg_log() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into app.docs (body) select to_jsonb(new) || to_jsonb(tg_table_name) from app.pages;
    return null;
end
$$;
create function app.tg_shared() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_table_name = 'docs' then
        new.body := lower(new.body);
    else
        new.note := lower(new.note);
    end if;
    return new;
end
$$;
create trigger _100_docs before insert on app.docs for each row execute function app.tg_shared();
create trigger _100_lines before insert on app.lines for each row execute function app.tg_shared();
