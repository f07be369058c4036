create type app.colour as enum ('red', 'green'); -- finding
