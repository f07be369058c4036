-- Types of other schemas, results of every shape, what only PL/pgSQL writes.
create function app.doc_words(p_from bigint, out id bigint, out word text) returns setof record
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_doc    app.docs;
    v_row    app.docs%rowtype;
    v_id     app.docs.id%type;
    c_from   constant bigint := coalesce(p_from, 0);
    v_docs   cursor (p_least bigint) for select d.* from app.docs as d where d.id >= p_least;
    v_kind   record;
begin
    <<whole>>
    for v_kind in v_docs (c_from) loop
        v_doc := v_kind;
        continue whole when v_doc.body is null;
        doc_words.id := v_doc.id;
        foreach word in array string_to_array(v_doc.body, ' ') loop
            exit when word = '';
            return next;
        end loop;
    end loop whole;
exception
    when others then
        get stacked diagnostics word = message_text;
        raise exception using errcode = 'PT500', message = word;
end
$$;

-- A variable of psql holds the body; what it is, psql alone knows.
do :'some_block';

create function app.next_doc(p_doc app.docs) returns app.docs
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    p_doc.id := p_doc.id + 1;
    return p_doc;
end
$$;

create function app.odd_names("a""b" integer, "Order" integer, out "end" integer)
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    "end" := "a""b" + "Order";
end
$$;
