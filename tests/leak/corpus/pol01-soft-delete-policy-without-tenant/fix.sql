alter policy p_select on crm.people using (organization_id = crm.org() and deleted_at is null);
