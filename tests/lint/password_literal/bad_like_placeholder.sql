alter role app_user password '${rest'; -- finding
alter role app_user password 'x{{ y }}'; -- finding
