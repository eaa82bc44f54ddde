-- +goose Up
-- Times are microseconds since 1970, UTC. Bodies are JSON; columns beside them
-- are what queries look for.
CREATE TABLE endpoints (
    id     TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    body   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX endpoints_source ON endpoints (source);

CREATE TABLE watches (
    endpoint      TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    vantage       TEXT NOT NULL,
    next_due      INTEGER NOT NULL,
    interval      INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    token         TEXT NOT NULL DEFAULT '',
    body          TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (endpoint, vantage)
) WITHOUT ROWID;
CREATE INDEX watches_due ON watches (vantage, next_due);

CREATE TABLE states (
    endpoint TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    vantage  TEXT NOT NULL,
    address  TEXT NOT NULL,
    sni      TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (endpoint, vantage, address, sni)
) WITHOUT ROWID;

CREATE TABLE incidents (
    id       TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    vantage  TEXT NOT NULL,
    opened   INTEGER NOT NULL,
    resolved INTEGER NOT NULL, -- 0 while open
    body     TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX incidents_endpoint ON incidents (endpoint, vantage, resolved);
CREATE INDEX incidents_open ON incidents (resolved, opened);

CREATE TABLE events (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    body     TEXT NOT NULL
);
CREATE INDEX events_endpoint ON events (endpoint, id);

CREATE TABLE reaches (
    vantage TEXT NOT NULL,
    scope   TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (vantage, scope)
) WITHOUT ROWID;

CREATE TABLE silences (
    id    TEXT PRIMARY KEY,
    until INTEGER NOT NULL,
    body  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE outbox (
    key     TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    grp     TEXT NOT NULL,
    written INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    state   TEXT NOT NULL, -- waiting, trying, sent, failed
    body    TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (channel, due) WHERE state IN ('waiting', 'trying');
CREATE INDEX outbox_group ON outbox (channel, grp, due);
