update fleet.vehicles set driver_id = null where plate = 'A 1';
alter table fleet.vehicles
    drop constraint vehicles_driver_id_fkey,
    add foreign key (depot_id, driver_id) references fleet.drivers (depot_id, id) on delete set null (driver_id);
update fleet.vehicles set driver_id = '10000000-0000-4000-8000-000000000001' where plate = 'A 1';
