alter policy m_delete on chat.messages using (workspace_id::text = current_setting('chat.workspace', true));
