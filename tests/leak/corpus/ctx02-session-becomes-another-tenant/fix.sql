drop function sec.become(text);
