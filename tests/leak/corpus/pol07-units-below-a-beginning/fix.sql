alter policy unit_tree on lms.unit using (school = (select lms.current_school()));
