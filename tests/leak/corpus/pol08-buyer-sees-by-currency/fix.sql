alter policy same_segment on market.quotes using (company_id = market.company());
