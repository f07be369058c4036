-- Scheduled jobs of rental. Idempotent.

select core.put_cron_job('expire-tenant-invites', '30 * * * *', 'select rental.expire_invites()', 'rental',
    'Close invitations nobody accepted in time.');
