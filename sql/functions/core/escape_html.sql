create or replace function core.escape_html(p text) returns text
    language sql immutable parallel safe
return replace(replace(replace(replace(replace(p, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');

revoke execute on function core.escape_html(text) from public;
grant execute on function core.escape_html(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.escape_html(text) is
    'Text as HTML that shows it, in an element or in a quoted attribute; null for null. Errors: none.';
