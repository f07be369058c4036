set desk.team = '1';
update desk.tickets set state = 'answered';
