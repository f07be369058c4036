begin;
set local survey.customer = 'c2000000-0000-4000-8000-000000000002';
select 'CONTROL OK' from survey.answers where respondent = 'own answer';
update survey.answers set customer_id = null where respondent = 'own answer';
set local survey.customer = 'c1000000-0000-4000-8000-000000000001';
select 'LEAK planted with everybody: ' || respondent from survey.answers where respondent = 'own answer';
rollback;
