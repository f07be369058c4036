alter policy r on studio.recordings using (exists (
    select from studio.memberships m
     where m.studio_id = recordings.studio_id and m.user_id = studio.me() and m.revoked_at is null
));
