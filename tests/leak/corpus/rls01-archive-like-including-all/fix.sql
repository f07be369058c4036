alter table public.shipments_archive enable row level security, force row level security;
create policy shipments_archive_self on public.shipments_archive to freight_web
    using (carrier_code = current_setting('request.carrier', true))
    with check (carrier_code = current_setting('request.carrier', true));
