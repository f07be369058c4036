alter policy members_all on app.accounts using (email = 'x' or true); -- finding
