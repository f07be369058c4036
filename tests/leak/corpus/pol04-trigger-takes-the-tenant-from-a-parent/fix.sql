alter policy lab_result_add on lab_result with check (practice_id = nullif(current_setting('clinic.practice', true), '')::bigint);
