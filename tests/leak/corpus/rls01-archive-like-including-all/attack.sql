begin;
set local request.carrier = 'globex';
select 'CONTROL OK' from public.shipments_archive where consignee = 'own consignee';
select 'LEAK ' || consignee from public.shipments_archive where carrier_code = 'acme';
rollback;
