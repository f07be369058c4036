revoke select on mail.api_tokens from public;
