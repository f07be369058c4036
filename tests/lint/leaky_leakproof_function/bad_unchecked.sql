create function app.is_big(p_total bigint) returns boolean
    language sql immutable leakproof -- finding
    return p_total > 1000;
