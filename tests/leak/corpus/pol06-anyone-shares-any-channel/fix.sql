alter policy share_made on chat.channel_share with check (workspace_id in (select chat.my_workspaces()));
