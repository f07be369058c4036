alter policy charges on pay.charges using (merchant = nullif(current_setting('pay.merchant', true), ''));
