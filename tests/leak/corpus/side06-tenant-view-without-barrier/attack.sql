begin;
set local api.tenant = 'globex';
select 'CONTROL OK' from api.cards where holder = 'own holder';
create function pg_temp.tell(text) returns boolean language plpgsql cost 0.0001 as $$
begin
    if $1 like 'LEAK%' then raise exception '%', $1; end if;
    return true;
end $$;
select holder from api.cards where pg_temp.tell(holder);
rollback;
