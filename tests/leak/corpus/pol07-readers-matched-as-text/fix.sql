alter policy file_read on chat.file using (owner_id = (select auth.uid()) or readers ? (select auth.uid())::text);
