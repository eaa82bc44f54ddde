-- +goose Up
-- How many leaf certificates there are by issuer and by days of lifetime: what a
-- look through 100,000 of them would take a second to count.
ALTER TABLE certificates ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
UPDATE certificates SET begins = coalesce(unixepoch(json_extract(body, '$.not_before')), 0) * 1000000;

CREATE TABLE leaves (
    issuer TEXT NOT NULL,
    days   INTEGER NOT NULL, -- of the lifetime, begun ones counted
    n      INTEGER NOT NULL,
    PRIMARY KEY (issuer, days)
) WITHOUT ROWID;
INSERT INTO leaves SELECT issuer, (expires - begins + 86399999999) / 86400000000, count(*) FROM certificates WHERE role = 'leaf' GROUP BY 1, 2;
-- +goose StatementBegin
CREATE TRIGGER leaves_insert AFTER INSERT ON certificates WHEN NEW.role = 'leaf' BEGIN
    INSERT INTO leaves VALUES (NEW.issuer, (NEW.expires - NEW.begins + 86399999999) / 86400000000, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER leaves_delete AFTER DELETE ON certificates WHEN OLD.role = 'leaf' BEGIN
    UPDATE leaves SET n = n - 1 WHERE issuer = OLD.issuer AND days = (OLD.expires - OLD.begins + 86399999999) / 86400000000;
    DELETE FROM leaves WHERE issuer = OLD.issuer AND n <= 0;
END;
-- +goose StatementEnd
