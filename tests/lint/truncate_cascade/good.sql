delete from app.tenants where name = 'test';
