alter table school.incident_reports enable row level security, force row level security;
create policy district on school.incident_reports
    using (district_id = (select nullif(current_setting('school.district', true), '')::uuid));
