merge into app.docs as d
using (values (1::bigint, 'a')) as v (id, body)
on d.id = v.id
when matched and v.body is null then
    update set body = ''
when matched then
    update set body = v.body;
