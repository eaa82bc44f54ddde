-- +goose Up
-- When the last inventory of an address was tried: a check reads it without the
-- body.
ALTER TABLE states ADD COLUMN inventoried INTEGER NOT NULL DEFAULT 0;
