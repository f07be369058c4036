alter table clinic.lab_results enable row level security, force row level security;
