revoke select, insert on consent.history from consent_api;
