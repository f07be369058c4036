-- Scheduled jobs of storage. Idempotent.

select core.put_cron_job('storage-purge', '23 * * * *', 'select storage.purge_stale()', 'storage',
    'Delete unfinished uploads and expired grants.');
