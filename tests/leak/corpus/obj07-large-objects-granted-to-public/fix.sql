revoke select on large object 70001, 70002 from public;
