revoke update on profiles from dh_authenticated; grant update (handle, email) on profiles to dh_authenticated;
