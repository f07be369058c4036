create or replace function desk.merge_tickets(p_keep uuid, p_drop uuid) returns int language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare v_moved int;
begin
  if (select count(*) from desk.ticket where id in (p_keep, p_drop) and account_id = desk.tenant()) <> 2 then
    raise exception 'no such ticket';
  end if;
  update desk.comment c set ticket_id = p_keep where c.ticket_id = p_drop and c.account_id = desk.tenant();
  get diagnostics v_moved = row_count;
  update desk.ticket set state = 'closed' where id = p_drop and account_id = desk.tenant();
  return v_moved;
end $$;
