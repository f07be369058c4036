merge into app.docs as d
using (values (1::bigint, 'a')) as v (id, body)
on d.id = v.id
when matched then
    update set body = v.body, body = lower(v.body); -- finding
