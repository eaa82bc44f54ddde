-- +goose Up
-- How long certificates are valid, without reading their bodies.
ALTER TABLE certificates ADD COLUMN begins INTEGER NOT NULL DEFAULT 0;
UPDATE certificates SET begins = coalesce(unixepoch(json_extract(body, '$.not_before')), 0) * 1000000;
CREATE INDEX certificates_sums ON certificates (role, issuer, begins, expires);
