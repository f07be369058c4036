revoke references on forms.subscribers from forms_app;
