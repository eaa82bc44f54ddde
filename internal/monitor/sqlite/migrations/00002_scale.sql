-- +goose Up
-- What is asked for at every check gets a column, so that no body is read or
-- written for it. ready is when a watch may be claimed: next_due, or the end of
-- a claim.
ALTER TABLE watches ADD COLUMN ready INTEGER NOT NULL DEFAULT 0;
ALTER TABLE watches ADD COLUMN checks INTEGER NOT NULL DEFAULT 0;
UPDATE watches SET ready = max(next_due, claimed_until), checks = coalesce(json_extract(body, '$.checks'), 0),
    body = json_remove(body, '$.checks');
DROP INDEX watches_due;
ALTER TABLE watches DROP COLUMN claimed_until;
CREATE INDEX watches_ready ON watches (vantage, ready);

-- A state's body is written when something in it changes. The moments that
-- change at every check stand beside it, and what lets a check be told to be as
-- before: digest, until calm. hour and samples collect the rollup of the hour.
ALTER TABLE states ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states ADD COLUMN good INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
ALTER TABLE states ADD COLUMN signature TEXT NOT NULL DEFAULT ''; -- whose full diagnosis is known
ALTER TABLE states ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE states ADD COLUMN calm INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states ADD COLUMN series INTEGER NOT NULL DEFAULT 0;
ALTER TABLE states ADD COLUMN hour INTEGER NOT NULL DEFAULT 0;    -- since 1970
ALTER TABLE states ADD COLUMN samples BLOB NOT NULL DEFAULT x'';
UPDATE states SET verdict = coalesce(json_extract(body, '$.verdict'), ''),
    signature = iif(json_array_length(body, '$.diagnosed') > 0, coalesce(json_extract(body, '$.signature'), ''), '');

-- One address of an endpoint over time; a number, because its rows are many.
CREATE TABLE series (
    id       INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    vantage  TEXT NOT NULL,
    address  TEXT NOT NULL,
    last     INTEGER NOT NULL, -- day of its last rollup
    UNIQUE (endpoint, vantage, address)
);

-- The hours of one day, packed (rollup.go). The day, since 1970, comes first, so
-- that a day is written, and an old one forgotten, in one place.
CREATE TABLE rollups (
    day    INTEGER NOT NULL,
    series INTEGER NOT NULL,
    body   BLOB NOT NULL,
    PRIMARY KEY (day, series)
) WITHOUT ROWID;
-- What is left of a day whose hours were forgotten.
CREATE TABLE daily (
    series INTEGER NOT NULL,
    day    INTEGER NOT NULL,
    body   BLOB NOT NULL,
    PRIMARY KEY (day, series)
) WITHOUT ROWID;

CREATE INDEX outbox_done ON outbox (written) WHERE state IN ('sent', 'failed');
