alter policy fleet on iot.readings using (fleet_id::text = current_setting('iot.fleet', true));
