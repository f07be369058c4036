alter policy a on survey.answers
    using (customer_id = survey.customer()) with check (customer_id = survey.customer());
