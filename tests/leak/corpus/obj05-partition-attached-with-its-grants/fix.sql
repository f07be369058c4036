revoke all on old_measurements from cp_app;
