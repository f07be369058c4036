drop policy "Shared by link" on public.albums;
create policy "Shared by link" on public.albums for select to anon
    using (share_token = (auth.jwt() ->> 'share_token')::uuid);
