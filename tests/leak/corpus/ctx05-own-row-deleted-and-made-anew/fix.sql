revoke insert, delete on an.profiles from an;
