drop policy jobs_unassigned on field.jobs;
create policy jobs_unassigned on field.jobs as restrictive for delete to field_api using (technician_id is null);
