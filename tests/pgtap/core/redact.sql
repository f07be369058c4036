-- core.redact: secrets go by the name of their key, at any depth; everything else stays.
begin;
select plan(46);

select is(core.redact(jsonb_build_object(key, 'whisper')), jsonb_build_object(key, '[redacted]'), 'redacted: ' || key)
  from unnest(array[
    'password', 'Password', 'user_password', 'passwd', 'passphrase', 'secret', 'client_secret', 'token', 'access_token', 'refreshToken',
    'Authorization', 'cookie', 'Set-Cookie', 'api_key', 'apiKey', 'X-Api-Key', 'private_key', 'credentials', 'session_id', 'card_number', 'cvv',
    'iban', 'pin', 'pwd', 'dbPwd', 'auth', 'jwt', 'otp_code', 'DSN', 'connection_string', 'database_url']) as key;
select is(core.redact(jsonb_build_object(key, 'loud')), jsonb_build_object(key, 'loud'), 'kept: ' || key)
  from unnest(array['name', 'ticket_id', 'spinning', 'message', 'author', 'shipping', 'pinned', 'option', 'url']) as key;
select is(core.redact('{"a": [{"token": "t", "b": 1}, "x"], "c": {"d": {"secret": {"deep": 1}}}}'), '{"a": [{"token": "[redacted]", "b": 1}, "x"], "c": {"d": {"secret": "[redacted]"}}}', 'at any depth, and whole');
select is(core.redact('{"token": null}'), '{"token": null}', 'a secret that is absent is shown to be');
select is(core.redact('{"a": [], "b": {}}'), '{"a": [], "b": {}}', 'empty lists and objects stay');
select is(core.redact(core.redact('{"token": "t"}')), '{"token": "[redacted]"}', 'twice is once');
select is(core.redact('"text"'), '"text"', 'a plain value is itself');
select is(core.redact(null), null, 'nothing is nothing');

select * from finish();
rollback;
