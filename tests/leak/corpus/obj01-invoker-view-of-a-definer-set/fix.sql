alter function billing.open_items(bigint) security invoker;
