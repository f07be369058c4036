alter policy on_card on comments using (exists (select 1 from cards c where c.id = card_id)) with check (author = (select auth.uid()) and exists (select 1 from cards c where c.id = card_id));
