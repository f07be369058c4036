alter policy k_read on contracts
    using (company_id in (select company_id from seats where person_id = auth.uid()));
drop function has_level(text);
