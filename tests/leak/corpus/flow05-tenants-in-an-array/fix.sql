alter table inbox.messages enable row level security;
create policy m on inbox.messages for select to inbox_api using (inbox.firm() = any (firm_ids));
