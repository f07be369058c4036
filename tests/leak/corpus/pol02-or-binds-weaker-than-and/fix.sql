alter policy pages_read on kb.pages using (
    space_id = current_setting('kb.space', true)
    and (author = current_setting('kb.author', true) or state = 'published')
);
