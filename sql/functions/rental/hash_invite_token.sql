-- rental.hash_invite_token: what is stored of an invitation's token.

create or replace function rental.hash_invite_token(p_token text) returns text
    language sql immutable strict parallel safe
    set search_path = pg_catalog, pg_temp
    return encode(sha256(convert_to(p_token, 'UTF8')), 'hex');

revoke execute on function rental.hash_invite_token(text) from public;
grant execute on function rental.hash_invite_token(text) to app_user, app_definer;

comment on function rental.hash_invite_token(text) is
    'SHA-256 of a token, in hex: the form tenant_invites keeps. Reads nothing. Errors: none; null for null.';
