revoke truncate on lms.submissions from lms_app;
