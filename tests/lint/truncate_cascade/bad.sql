truncate table app.tenants restart identity cascade; -- finding
