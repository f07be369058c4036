alter policy i on postings with check (firm_no = acl.my_firm() and exists (select 1 from ledgers l where l.id = ledger_id));
