create role reporter login password 'tiger7!'; -- finding
alter role app_user with encrypted password 'SCRAM-SHA-256$4096:abc'; -- finding
