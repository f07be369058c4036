alter view stock.my_items set (check_option = cascaded);
