alter policy p on li.people_groups
    using (
        exists (select 1 from li.people x where x.id = person_id and x.t = current_setting('li.t', true))
        and exists (select 1 from li.groups g where g.id = group_id and g.t = current_setting('li.t', true))
    );
