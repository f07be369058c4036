alter view billing.big_invoice set (check_option = cascaded);
