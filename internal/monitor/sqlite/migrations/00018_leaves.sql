-- +goose Up
-- The leaf certificates of an endpoint, in short, so that they can be counted by
-- owner in memory.
ALTER TABLE listing ADD COLUMN leaves TEXT NOT NULL DEFAULT '';
UPDATE listing SET leaves = coalesce((SELECT group_concat(leaf, ' ') FROM (
    SELECT DISTINCT substr(v.fingerprint, 1, 16) AS leaf FROM served v JOIN certificates c ON c.fingerprint = v.fingerprint
    WHERE v.endpoint = listing.endpoint AND c.role = 'leaf' ORDER BY leaf)), '');
DROP TRIGGER listing_update;
-- +goose StatementBegin
CREATE TRIGGER listing_update AFTER UPDATE OF source, target, owner, tags, state, severity, issuer, expires, leaves ON listing BEGIN
    INSERT INTO listing_log (endpoint) VALUES (NEW.endpoint);
    DELETE FROM listing_log WHERE seq <= last_insert_rowid() - 10000;
END;
-- +goose StatementEnd
