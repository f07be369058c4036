update lab_results r set clinic_id = p.clinic_id from patients p where p.id = r.patient_id; alter policy r on lab_results using (clinic_id = nullif(current_setting('clinic.id', true), '')::uuid);
