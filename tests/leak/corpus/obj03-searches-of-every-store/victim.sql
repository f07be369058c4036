set shop.store_id = '7001';
select shop.search('SECRET');
