create function app.with_tax(p_amount double precision, p_rate numeric) returns numeric -- finding
    language sql immutable
    return p_amount * p_rate;
