copy app.docs (id, body) from '/srv/docs.csv';
copy app.accounts (tenant_id, id, email) to '/srv/accounts.csv';
create temporary table accounts_import (
    tenant_id uuid,
    id        uuid,
    email     text
);
copy accounts_import from '/srv/accounts.csv';
