-- Buckets, and who may delete files. Idempotent: limits are restored, rows that are not listed stay.

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values
    ('attachments', 'attachments', false, 52428800, '{image/*,application/pdf}'),
    ('invoices',    'invoices',    false, 10485760, '{application/pdf}'),
    ('avatars',     'avatars',     true,  5242880,  '{image/*}'),
    -- ciphertext has no type of its own
    ('documents',   'documents',   false, 52428800, '{application/octet-stream,application/pdf,image/*}')
on conflict (id) do update
   set name = excluded.name,
       public = excluded.public,
       file_size_limit = excluded.file_size_limit,
       allowed_mime_types = excluded.allowed_mime_types
 where (storage.buckets.name, storage.buckets.public, storage.buckets.file_size_limit, storage.buckets.allowed_mime_types)
       is distinct from (excluded.name, excluded.public, excluded.file_size_limit, excluded.allowed_mime_types);

insert into core.permissions (key, description)
values ('storage.manage', 'Delete files of the tenant.')
on conflict (key) do update
   set description = excluded.description
 where core.permissions.description is distinct from excluded.description;

-- owners and administrators, who manage the team as well
insert into core.role_permissions (system, role_key, permission_key)
select p.system, p.role_key, 'storage.manage'
  from core.role_permissions as p
 where p.permission_key = 'team.manage'
on conflict do nothing;
