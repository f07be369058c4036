"""Own rows that take another tenant's key, or name its person: what that opens, and the twin that opens nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from variants import OWN, Variant, guarded

from dbkit.leak import Proof

Prove = Callable[[str], Proof]

# Who is in a team is seen by the team.
TEAM = (
    "create table app.team (tenant_id uuid not null, user_id uuid not null references app.users (id), role text,"
    " primary key (tenant_id, user_id));"
    + guarded("app.team", "select")
    + "create policy fellows on app.users for select to leak_app"
    " using (exists (select from app.team t where t.user_id = users.id)); grant select on app.users to leak_app;"
)
# A guest sees the rooms of the own bookings, by their id alone.
ROOMS = (
    "create table app.rooms (tenant_id uuid not null, id uuid not null default gen_random_uuid(), name text,"
    " primary key (tenant_id, id));"
    "create table app.bookings (tenant_id uuid not null, id uuid not null default gen_random_uuid(),"
    " room_id uuid not null, primary key (tenant_id, id),"
    " foreign key (tenant_id, room_id) references app.rooms (tenant_id, id));"
    + guarded("app.rooms", "select, insert (tenant_id, name), update (name)")
    + guarded("app.bookings")
    + "create policy system_all on app.bookings to leak_owner using (true);"
    "create function app.booked() returns uuid[] language sql stable security definer"
    f" set search_path = pg_catalog, pg_temp as $$ select array(select room_id from app.bookings where {OWN}) $$;"
    "alter function app.booked() owner to leak_owner;"
    "create policy guests on app.rooms for select to leak_app using (id = any ((select app.booked())::uuid[]));"
)
VARIANTS = [
    Variant(
        "a fellow turned into somebody else",
        "claim_opens_rows",
        "app.team",
        "PRIV-01",
        common=TEAM,
        broken="grant update (user_id) on app.team to leak_app",
        mended="grant update (role) on app.team to leak_app",
    ),
    Variant(
        "anybody taken into the team",
        "claim_opens_rows",
        "app.team",
        "PRIV-01",
        common=TEAM,
        broken="grant insert on app.team to leak_app",
        mended="grant insert (tenant_id, role) on app.team to leak_app",
    ),
    Variant(
        "a new row under the id of another tenant's",
        "claim_opens_rows",
        "app.rooms",
        "PRIV-01",
        common=ROOMS,
        broken="grant insert (id) on app.rooms to leak_app",
        mended="alter policy guests on app.rooms using (id = any ((select app.booked())::uuid[])"
        f" and {OWN}); grant insert (id) on app.rooms to leak_app",
    ),
    Variant(
        "an own row given the id of another tenant's",
        "claim_opens_rows",
        "app.rooms",
        "PRIV-01",
        common=ROOMS,
        broken="grant update (id) on app.rooms to leak_app",
        mended="select",
    ),
]


@pytest.mark.parametrize("broken", [True, False], ids=["broken", "mended"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_claim(proven: Prove, variant: Variant, broken: bool) -> None:
    variant.check(proven, broken=broken)
