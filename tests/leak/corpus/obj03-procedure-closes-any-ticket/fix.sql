alter procedure desk.close_tickets(uuid[]) security invoker;
grant update (closed_at) on desk.tickets to desk_app;
