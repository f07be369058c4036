revoke select on remote.deals from crm_bridge;
