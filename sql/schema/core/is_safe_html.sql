-- Says what is allowed and nothing else, so it needs no list of attacks: text without markup characters, five entities, the tags p, br,
-- strong, em, u and a in lower case, and on <a> one href in double quotes with a literal scheme. Whatever a browser would have to guess
-- at (another quote, a bare < or &, a space in an address, an entity in a scheme) is not in the grammar.
-- Here and not in functions/: the domain core.safe_html calls it.

create function core.is_safe_html(p text) returns boolean
    language plpgsql immutable parallel safe
    set search_path = pg_catalog, pg_temp
as $fn$
declare
    c_grammar constant text :=
        '^(?:[^<>&\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f]'
        '|&(?:amp|lt|gt|quot|#39|nbsp);'
        '|<br ?/?>'
        '|</?(?:p|strong|em|u)>'
        '|<a(?: href="(?:https?://[a-zA-Z0-9]|mailto:)(?:[a-zA-Z0-9._~:/?#@!$()*+,;=%-]|&amp;)*")?>'
        '|</a>)*$';
    v_tag     text[];
    v_open    text[] := '{}';
    v_depth   integer := 0;
    v_in_link boolean := false;
begin
    if p is null then
        return null;
    elsif p !~ c_grammar then
        return false;
    end if;
    -- balanced: each end tag closes the tag opened last
    for v_tag in
        select t.tag from regexp_matches(p, '<(/?)(p|strong|em|u|a)\y', 'g') as t (tag)
    loop
        if v_tag[1] = '' then
            -- a link in a link is two links to a browser
            if v_tag[2] = 'a' and v_in_link then
                return false;
            end if;
            v_in_link := v_in_link or v_tag[2] = 'a';
            v_depth := v_depth + 1;
            -- no browser goes deeper, and no fragment costs more than its length
            if v_depth > 500 then
                return false;
            end if;
            v_open[v_depth] := v_tag[2];
        elsif v_depth > 0 and v_open[v_depth] = v_tag[2] then
            v_in_link := v_in_link and v_tag[2] <> 'a';
            v_depth := v_depth - 1;
        else
            return false;
        end if;
    end loop;
    return v_depth = 0;
end
$fn$;

revoke execute on function core.is_safe_html(text) from public;
grant execute on function core.is_safe_html(text)
    to app_user, app_renter, app_anon, app_worker, app_readonly, app_monitor, app_platform_admin, app_definer;

comment on function core.is_safe_html(text) is
    'Whether a fragment is balanced HTML of p, br, strong, em, u and a (with an http, https or mailto href) and nothing else; null for null. '
    'At most 500 elements deep. core.escape_html makes any text such a fragment. Errors: none.';
