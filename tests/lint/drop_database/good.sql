comment on schema app is 'drop database reports';
