update app.docs d set body = p.body from app.pages p where p.id = d.id;
