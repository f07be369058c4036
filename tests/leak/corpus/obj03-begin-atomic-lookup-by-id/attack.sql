begin;
set local courier.sender = '2';
select 'CONTROL OK' from courier.parcel(2) where recipient = 'own recipient';
select 'LEAK ' || recipient from courier.parcel(1);
rollback;
