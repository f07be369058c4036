alter table coupon.coupons drop constraint coupons_pkey, add constraint coupons_pkey primary key (shop_id, code);
