create role grants_app login;
create table public.foundations (
    id integer primary key,
    name text not null
);
create table public.foundation_staff (
    foundation_id integer not null references public.foundations,
    staff_id integer not null,
    primary key (foundation_id, staff_id)
);
create table public.applications (
    foundation_id integer not null references public.foundations,
    id integer not null,
    applicant text not null,
    primary key (foundation_id, id)
);
create function public.my_foundations() returns setof integer language plpgsql stable as $$
begin
    return query select s.foundation_id from foundation_staff s
                  where s.staff_id = nullif(current_setting('grants.staff', true), '')::integer;
end $$;
alter table public.foundations enable row level security;
alter table public.foundation_staff enable row level security;
alter table public.applications enable row level security;
create policy mine on public.foundation_staff for select to grants_app
    using (staff_id = nullif(current_setting('grants.staff', true), '')::integer);
create policy mine on public.foundations for select to grants_app using (id in (select public.my_foundations()));
create policy mine on public.applications to grants_app using (foundation_id in (select public.my_foundations()));
grant select on public.foundations, public.foundation_staff to grants_app;
grant select, insert, update, delete on public.applications to grants_app;
insert into public.foundations values (1, 'Acme'), (2, 'Globex');
insert into public.foundation_staff values (1, 10), (2, 20);
insert into public.applications values (1, 1, 'SECRET applicant'), (2, 1, 'own applicant');
