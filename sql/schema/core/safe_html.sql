-- core.safe_html: a fragment that can be put into a page as it is.

-- dbkit: allow domain_with_constraint because the allowed tags are a promise to every page that shows a fragment
create domain core.safe_html as text
    constraint safe_html_valid check (core.is_safe_html(value));

comment on domain core.safe_html is 'HTML fragment of p, br, strong, em, u and a with href http, https or mailto; core.escape_html makes text one.';
