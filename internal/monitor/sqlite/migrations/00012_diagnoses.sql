-- +goose Up
-- Diagnoses as they were made, packed: what a page draws. One is of an address
-- ("endpoint vantage address sni"), the last in full that was bad; one of an
-- incident, when it opened or got another cause.
CREATE TABLE diagnoses (
    of     TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    packed BLOB NOT NULL
) WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER states_diagnoses AFTER DELETE ON states BEGIN
    DELETE FROM diagnoses WHERE of = OLD.endpoint || ' ' || OLD.vantage || ' ' || OLD.address || ' ' || OLD.sni;
END;
-- +goose StatementEnd
