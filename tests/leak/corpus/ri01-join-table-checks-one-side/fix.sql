alter policy ml on club.member_labels using (
    exists (select from club.labels l where l.id = label_id and l.club_id = club.club())
    and exists (select from club.members m where m.id = member_id and m.club_id = club.club())
);
