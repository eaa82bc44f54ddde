-- +goose Up
-- What lists are filtered and sorted by, one narrow row for each endpoint. It
-- follows from endpoints, states and incidents, and changes with them.
CREATE TABLE listing (
    endpoint TEXT PRIMARY KEY REFERENCES endpoints (id) ON DELETE CASCADE,
    source   TEXT NOT NULL,
    target   TEXT NOT NULL,
    owner    TEXT NOT NULL,
    tags     TEXT NOT NULL,                              -- a line for each: key=value
    state    INTEGER NOT NULL DEFAULT 3,                 -- rank, 0 is the worst
    severity INTEGER NOT NULL DEFAULT 2,                 -- 0 critical, 1 warning, 2 none
    issuer   TEXT NOT NULL DEFAULT '',
    expires  INTEGER NOT NULL DEFAULT 4611686018427387904, -- that is "unknown", and sorts last
    served   TEXT NOT NULL DEFAULT ''                    -- what the table of that name says, in short
) WITHOUT ROWID;

-- Which rows changed, so that a copy of the listing in memory can follow it.
CREATE TABLE listing_log (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint TEXT NOT NULL
);
-- +goose StatementBegin
CREATE TRIGGER listing_insert AFTER INSERT ON listing BEGIN
    INSERT INTO listing_log (endpoint) VALUES (NEW.endpoint);
    DELETE FROM listing_log WHERE seq <= last_insert_rowid() - 10000;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER listing_update AFTER UPDATE OF source, target, owner, tags, state, severity, issuer, expires ON listing BEGIN
    INSERT INTO listing_log (endpoint) VALUES (NEW.endpoint);
    DELETE FROM listing_log WHERE seq <= last_insert_rowid() - 10000;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER listing_delete AFTER DELETE ON listing BEGIN
    INSERT INTO listing_log (endpoint) VALUES (OLD.endpoint);
    DELETE FROM listing_log WHERE seq <= last_insert_rowid() - 10000;
END;
-- +goose StatementEnd

INSERT INTO listing (endpoint, source, target, owner, tags)
    SELECT id, source, json_extract(body, '$.target'), coalesce(json_extract(body, '$.owner'), ''), '' FROM endpoints;

CREATE TABLE certificates (
    fingerprint TEXT PRIMARY KEY,
    role        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    search      TEXT NOT NULL, -- subject, names, serial and fingerprint in small letters
    expires     INTEGER NOT NULL,
    first_seen  INTEGER NOT NULL,
    body        TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX certificates_expires ON certificates (expires, fingerprint);
CREATE INDEX certificates_subject ON certificates (subject, fingerprint);
CREATE INDEX certificates_issuer ON certificates (issuer, fingerprint);

CREATE TABLE served (
    endpoint    TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    address     TEXT NOT NULL,
    sni         TEXT NOT NULL,
    position    INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (endpoint, address, sni, position)
) WITHOUT ROWID;
CREATE INDEX served_fingerprint ON served (fingerprint, endpoint);

CREATE INDEX incidents_opened ON incidents (opened, id);
CREATE INDEX outbox_written ON outbox (written);
