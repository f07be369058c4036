alter view metrics.daily set (security_invoker = true);
