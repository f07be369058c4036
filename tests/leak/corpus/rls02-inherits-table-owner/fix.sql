alter table ledger.entries force row level security;
