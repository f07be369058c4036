comment on schema app is E'a\\set b';
