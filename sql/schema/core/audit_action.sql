-- core.audit_action: what was done to an entity. A domain and not a CHECK of the log: PostgreSQL keeps the rule of a domain at hand, that of
-- a table it parses and plans again for every statement and partition, which costs three times as much.

-- dbkit: allow domain_with_constraint because the form of the value is settled and only the log has a column of it
create domain core.audit_action as text
    -- the words of the triggers first, which need no regular expression
    constraint audit_action_valid check (value in ('insert', 'update', 'delete', 'truncate') or value ~ '^[a-z_]+$');

comment on domain core.audit_action is 'A word of lower-case letters and underscores.';
