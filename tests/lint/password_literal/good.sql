create role reporter login;
alter role app_user password null;
comment on role app_user is 'password ''x''';
