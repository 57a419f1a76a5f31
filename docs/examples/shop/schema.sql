CREATE TABLE product (name text PRIMARY KEY, cents integer NOT NULL CHECK (cents > 0));

INSERT INTO product VALUES ('cardamom', 450), ('fenugreek', 220), ('saffron', 1290);

CREATE TABLE visit (at timestamptz NOT NULL DEFAULT now());

CREATE ROLE web LOGIN;

GRANT SELECT ON product TO web;

GRANT SELECT, INSERT ON visit TO web;

