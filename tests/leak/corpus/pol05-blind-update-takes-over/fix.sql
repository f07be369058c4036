drop policy e_recent on entries;
