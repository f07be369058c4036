create function app.f1(p_id bigint) returns text
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text;
    v_doc app.docs%rowtype;
begin
    select title into v_text from app.docs where id = p_id; -- finding
    select d.text into v_text from app.docs d join app.pages p on p.id = d.id; -- finding
    update app.docs set bodi = 'x' where id = p_id; -- finding
    insert into app.docs (id, text) values (1, 'x'); -- finding
    v_text := v_doc.title; -- finding
    return (select o.total from app.orders o where o.placed_at > now()); -- finding
end
$$;
