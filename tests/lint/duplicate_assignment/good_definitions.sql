alter table app.lines add column a text, alter column a set default '', alter column note type text, alter column note set default '';
