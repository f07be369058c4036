-- Policies ask for a membership in force, the functions with their owner's rights only for one.
create role wiki_owner nologin;
create role wiki_api login;
create schema wiki authorization wiki_owner;
grant usage on schema wiki to wiki_api;
set role wiki_owner;
create type wiki.standing as enum ('invited', 'active', 'suspended');
create table wiki.spaces (
    id bigint primary key,
    name text not null
);
create table wiki.people (
    id bigint primary key,
    email text not null unique
);
create table wiki.members (
    space_id bigint not null references wiki.spaces,
    person_id bigint not null references wiki.people,
    standing wiki.standing not null default 'invited',
    primary key (space_id, person_id)
);
create table wiki.pages (
    space_id bigint not null references wiki.spaces,
    slug text not null,
    body text not null,
    primary key (space_id, slug)
);
create function wiki.person() returns bigint language sql stable
as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::bigint $$;
create function wiki.belongs(p_space bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from wiki.members m where m.space_id = p_space and m.person_id = wiki.person())
$$;
create function wiki.belongs_now(p_space bigint) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from wiki.members m
         where m.space_id = p_space and m.person_id = wiki.person() and m.standing = 'active'
    )
$$;
create function wiki.export(p_space bigint) returns setof text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not wiki.belongs(p_space) then
        raise exception 'not a member' using errcode = '42501';
    end if;
    return query select p.slug || ': ' || p.body from wiki.pages p where p.space_id = p_space order by p.slug;
end
$$;
create function wiki.edit(p_space bigint, p_slug text, p_body text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update wiki.pages p set body = p_body where p.space_id = p_space and p.slug = p_slug and wiki.belongs(p_space);
    return found;
end
$$;
-- Joining and leaving are for those whose membership is not in force.
create function wiki.accept(p_space bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update wiki.members set standing = 'active'
     where space_id = p_space and person_id = wiki.person() and standing = 'invited'
$$;
alter table wiki.spaces enable row level security, force row level security;
alter table wiki.people enable row level security, force row level security;
alter table wiki.members enable row level security;
alter table wiki.pages enable row level security;
create policy s on wiki.spaces for select to wiki_api using (wiki.belongs_now(id));
create policy p on wiki.people for select to wiki_api using (id = wiki.person());
create policy m on wiki.members for select to wiki_api using (person_id = wiki.person());
create policy p on wiki.pages for select to wiki_api using (wiki.belongs_now(space_id));
grant select on wiki.spaces, wiki.people, wiki.members, wiki.pages to wiki_api;
reset role;
insert into wiki.spaces values (1, 'Acme'), (2, 'Globex');
insert into wiki.people values (1, 'alice@acme.test'), (2, 'bob@globex.test');
insert into wiki.members values (1, 1, 'active'), (2, 2, 'active');
insert into wiki.pages values (1, 'plan', 'SECRET plan'), (2, 'plan', 'own plan');
insert into wiki.members values (1, 2, 'suspended');
