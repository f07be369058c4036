alter policy own on bi.sales using (tenant = current_user);
