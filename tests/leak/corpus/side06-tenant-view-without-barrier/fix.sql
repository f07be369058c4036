alter view api.cards set (security_barrier = true);
