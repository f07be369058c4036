do $$ begin alter schema app rename to shop; end $$; -- finding
