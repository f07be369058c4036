select case when encode(data, 'escape') like '%own part%' then 'CONTROL OK' else encode(data, 'escape') end
  from pg_logical_slot_peek_binary_changes(
    'feed_' || (select oid from pg_database where datname = current_database()), null, null,
    'proto_version', '1', 'publication_names', 'parts_of_globex'
);
