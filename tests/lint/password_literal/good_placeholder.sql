alter role app_user password '${APP_PASSWORD}';
alter role app_user password '{{ app_password }}';
alter role app_user password '@app_password@';
