alter policy p on pages using (is_member(workspace_id));
drop function is_connected(uuid);
