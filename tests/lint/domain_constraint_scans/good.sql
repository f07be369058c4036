alter domain app.email add constraint email_at check (value like '%@%') not valid;
alter domain app.email validate constraint email_at;
alter domain app.email set default '';

create domain app.slug as text;
alter domain app.slug add constraint slug_form check (value <> '');
