revoke select on fleet.job_runs from vr_fleet_rw;
