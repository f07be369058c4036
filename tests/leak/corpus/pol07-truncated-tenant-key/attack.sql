begin;
set local iot.fleet = '5eed0000-0000-4000-8000-00000000000b';
select 'CONTROL OK' from iot.readings where device = '10.0.0.2';
select 'LEAK ' || device from iot.readings where device = '10.0.0.1';
rollback;
