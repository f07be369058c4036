-- The folders of a path, for rules about them: storage.foldername('a/b/c.pdf') is {a,b}.

create or replace function storage.foldername(p_name text) returns text[]
    language sql immutable parallel safe
return (string_to_array(p_name, '/'))[1:cardinality(string_to_array(p_name, '/')) - 1];

revoke execute on function storage.foldername(text) from public;
grant execute on function storage.foldername(text) to app_user, app_readonly, app_worker, app_definer;

comment on function storage.foldername(text) is 'The parts of a path without the last; empty for a bare name, null for null. Errors: none.';
