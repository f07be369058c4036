-- Who may set the context, mode signed: only the holder of a token. core.set_context is left to definer functions.

revoke execute on function core.set_context(uuid, uuid, text, text) from app_user, app_renter, app_readonly;
grant execute on function core.set_context_signed(text, text, text) to app_user, app_renter, app_readonly;
