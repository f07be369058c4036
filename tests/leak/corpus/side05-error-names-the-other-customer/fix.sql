drop trigger refuse_taken on dns.domains;
drop function dns.refuse_taken();
