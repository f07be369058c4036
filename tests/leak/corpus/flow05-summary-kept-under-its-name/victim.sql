set crm.org = 'a0000000-0000-4000-8000-00000000000a';
select crm.summary('pipeline');
