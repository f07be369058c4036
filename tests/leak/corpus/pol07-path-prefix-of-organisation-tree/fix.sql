alter policy tree on gw.minutes using (
    organisation = current_setting('gw.organisation', true)
    or starts_with(organisation, current_setting('gw.organisation', true) || '/')
);
