alter function api.as_number(text) not leakproof cost 100;
