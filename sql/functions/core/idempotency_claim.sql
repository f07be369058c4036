-- A replay only reads. Otherwise the insert decides: a concurrent first caller makes it wait for that transaction's end, so when both begin
-- and finish in one transaction, the second sees the response, or does the work because the first was undone.

create or replace function core.idempotency_claim(p_scope text, p_key text, p_request jsonb, p_lease interval default '1 minute')
returns table (outcome text, response jsonb, attempt integer, retry_after integer)
    language plpgsql volatile
    security definer
    rows 1
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    v_tenant uuid := core.require_tenant();
    v_hash   text := encode(sha256(convert_to(coalesce(p_request, 'null')::text, 'UTF8')), 'hex');
    v_row    core.idempotency_keys;
begin
    if p_scope is null or p_scope !~ '^[a-z][a-z0-9_.:]{0,62}$' or p_key is null or length(p_key) not between 1 and 255
       or p_lease is null or p_lease <= interval '0' or p_lease > interval '1 day' then
        perform core.raise_error('PT400', 'bad_request', 'A scope in snake_case, a key of 1 to 255 characters and a lease of at most a day are needed.');
    end if;

    loop
        select k.*
          into v_row
          from core.idempotency_keys as k
         where k.tenant_id = v_tenant
           and k.scope = p_scope
           and k.idempotency_key = p_key
           and k.expires_at > clock_timestamp();

        if not found or v_row.response is null then
            insert into core.idempotency_keys as k (tenant_id, scope, idempotency_key, request_hash, lease_until)
            values (v_tenant, p_scope, p_key, v_hash, clock_timestamp() + p_lease)
            on conflict (tenant_id, scope, idempotency_key) do update
               set request_hash = excluded.request_hash,
                   response = null,
                   attempt = k.attempt + 1,
                   lease_until = clock_timestamp() + p_lease,
                   created_at = excluded.created_at,
                   expires_at = excluded.expires_at
             where k.expires_at <= clock_timestamp()
                or (k.response is null and k.lease_until <= clock_timestamp() and k.request_hash = excluded.request_hash)
            returning k.attempt into attempt;
            if found then
                outcome := 'new';
                exit;
            end if;
            select k.*
              into v_row
              from core.idempotency_keys as k
             where k.tenant_id = v_tenant
               and k.scope = p_scope
               and k.idempotency_key = p_key;
            -- purged or given up this very moment: it is new after all
            continue when not found;
        end if;

        if v_row.request_hash <> v_hash then
            outcome := 'mismatch';
        elsif v_row.response is not null then
            outcome := 'replay';
            response := v_row.response;
        else
            outcome := 'in_progress';
            retry_after := greatest(1, ceil(extract(epoch from v_row.lease_until - clock_timestamp())));
        end if;
        attempt := v_row.attempt;
        exit;
    end loop;
    return next;
end
$fn$;

alter function core.idempotency_claim(text, text, jsonb, interval) owner to app_definer;
revoke execute on function core.idempotency_claim(text, text, jsonb, interval) from public;
grant execute on function core.idempotency_claim(text, text, jsonb, interval) to app_user;

comment on function core.idempotency_claim(text, text, jsonb, interval) is
    'Begin a request with a key, in the active tenant and a scope. outcome is new: do it, then call core.idempotent_finish, in the same '
    'transaction or, within the lease, in a later one with this attempt; replay: it was done, here is the response; in_progress: somebody '
    'else does it until retry_after; mismatch: the key came with another request before. Waits for a concurrent first caller. Idempotent '
    'once finished. Errors: PT400 malformed scope, key or lease, PT401 nobody is signed in, PT403 no tenant named.';
