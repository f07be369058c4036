-- core.job_queue: the view decides by context and permission, so it may be read by whoever could be a member.

grant select on core.job_queue to app_user, app_readonly, app_platform_admin;
