-- dbkit: allow policy_without_role because published pages are for everybody -- finding
create policy published_read on app.docs for select to app_user using (body <> '');

-- dbkit: allow index_blocks_writes because it stands a line too far away -- finding

create table app.fresh (id bigint primary key);
