revoke select on logs.lines_2025 from log_viewer;
