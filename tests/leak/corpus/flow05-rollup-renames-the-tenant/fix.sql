alter table ads.daily_spend enable row level security;
create policy d on ads.daily_spend for select to ads_web using (account = current_setting('ads.advertiser', true));
