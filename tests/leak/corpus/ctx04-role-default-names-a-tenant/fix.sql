alter role wiki_app reset wiki.tenant;
