begin;
set local club.id = '2';
insert into club.member_labels values (2, 20);
select 'CONTROL OK' from club.member_labels where member_id = 2;
insert into club.member_labels values (1, 20);
select 'LEAK labelled a member of another club' from club.member_labels where member_id = 1;
rollback;
