-- +goose Up
-- What people had explained on the pages. share is the key of a link for
-- strangers; packed the diagnoses.
CREATE TABLE kept (
    id     TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    share  TEXT UNIQUE,
    body   TEXT NOT NULL,
    packed BLOB NOT NULL
);
CREATE INDEX kept_at ON kept (at, id);
