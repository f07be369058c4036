create role tags_api login;
create schema club;
grant usage on schema club to tags_api;
create table club.clubs (
    id integer primary key,
    name text not null
);
create table club.members (
    id integer primary key,
    club_id integer not null references club.clubs,
    name text not null
);
create table club.labels (
    id integer primary key,
    club_id integer not null references club.clubs,
    name text not null
);
create table club.member_labels (
    member_id integer not null references club.members,
    label_id integer not null references club.labels,
    primary key (member_id, label_id)
);
create function club.club() returns integer language sql stable
as $$ select nullif(current_setting('club.id', true), '')::integer $$;
alter table club.clubs enable row level security;
alter table club.members enable row level security;
alter table club.labels enable row level security;
alter table club.member_labels enable row level security;
create policy c on club.clubs for select to tags_api using (id = club.club());
create policy m on club.members for select to tags_api using (club_id = club.club());
create policy l on club.labels for select to tags_api using (club_id = club.club());
create policy ml on club.member_labels to tags_api
    using (exists (select from club.labels l where l.id = label_id and l.club_id = club.club()));
grant select on club.clubs, club.members, club.labels to tags_api;
grant select, insert, delete on club.member_labels to tags_api;
insert into club.clubs values (1, 'Acme'), (2, 'Globex');
insert into club.members values (1, 1, 'theirs'), (2, 2, 'own member');
insert into club.labels values (10, 1, 'vip'), (20, 2, 'debtor');
