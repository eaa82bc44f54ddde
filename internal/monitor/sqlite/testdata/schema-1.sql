-- A database of the first schema, as the first version wrote it: one endpoint is
-- well, one has an open incident with a message that waits, one is claimed.
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE endpoints (
    id     TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    body   TEXT NOT NULL
) WITHOUT ROWID;
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
CREATE TABLE events (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    body     TEXT NOT NULL
);
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
CREATE INDEX endpoints_source ON endpoints (source);
CREATE INDEX watches_due ON watches (vantage, next_due);
CREATE INDEX incidents_endpoint ON incidents (endpoint, vantage, resolved);
CREATE INDEX incidents_open ON incidents (resolved, opened);
CREATE INDEX events_endpoint ON events (endpoint, id);
CREATE INDEX outbox_due ON outbox (channel, due) WHERE state IN ('waiting', 'trying');
CREATE INDEX outbox_group ON outbox (channel, grp, due);
INSERT INTO goose_db_version VALUES (1, 0, 1, '2026-11-22 18:35:06');
INSERT INTO goose_db_version VALUES (2, 1, 1, '2026-11-22 18:35:06');
INSERT INTO endpoints VALUES ('e0000', 'file', '{"id":"e0000","target":"www.site0.example","host":"www.site0.example","port":443,"tags":{"env":"prod"},"owner":"web","interval":300000000000,"expect":{}}');
INSERT INTO endpoints VALUES ('e0001', 'file', '{"id":"e0001","target":"www.site1.example","host":"www.site1.example","port":443,"tags":{"env":"prod"},"owner":"web","interval":300000000000,"expect":{}}');
INSERT INTO endpoints VALUES ('e0002', 'file', '{"id":"e0002","target":"www.site2.example","host":"www.site2.example","port":443,"tags":{"env":"prod"},"owner":"web","interval":300000000000,"expect":{}}');
INSERT INTO watches VALUES ('e0000', 'here', 1795343550940254, 300000000, 0, '', '{"checks":5,"baseline":{"issuers":["Example CA"],"keys":["ECDSA P-256"],"names":["www.site0.example"],"versions":["TLS 1.3"],"suites":["TLS_AES_128_GCM_SHA256"],"alpn":["none"],"asks":["no"]}}');
INSERT INTO watches VALUES ('e0001', 'here', 1795343548574634, 300000000, 0, '', '{"checks":5,"baseline":{"issuers":["Example CA"],"keys":["ECDSA P-256"],"names":["www.site1.example"],"versions":["TLS 1.3"],"suites":["TLS_AES_128_GCM_SHA256"],"alpn":["none"],"asks":["no"]}}');
INSERT INTO watches VALUES ('e0002', 'here', 1795343548564670, 300000000, 1795343820000000, '7OULNT3QDSJQJVCRJGRPKFOZUM', '{"checks":5,"baseline":{"issuers":["Example CA"],"keys":["ECDSA P-256"],"names":["www.site2.example"],"versions":["TLS 1.3"],"suites":["TLS_AES_128_GCM_SHA256"],"alpn":["none"],"asks":["no"]}}');
INSERT INTO states VALUES ('e0000', 'here', '192.0.2.1:443', '', '{"address":"192.0.2.1:443","sni":"","first":"2026-11-22T10:00:00Z","checked":"2026-11-22T10:28:00Z","good":"2026-11-22T10:28:00Z","verdict":"ok","now":{"version":"TLS 1.3","suite":"TLS_AES_128_GCM_SHA256","path":[{"role":"leaf","subject":"CN=www.site0.example","issuer":"CN=R10,O=Example CA","serial":"01","not_before":"2026-10-23T10:00:00Z","not_after":"2027-01-21T10:00:00Z","names":["www.site0.example"],"key":"ECDSA P-256","fingerprint":"fe0000"}],"verified":true},"healthy":{"version":"TLS 1.3","suite":"TLS_AES_128_GCM_SHA256","path":[{"role":"leaf","subject":"CN=www.site0.example","issuer":"CN=R10,O=Example CA","serial":"01","not_before":"2026-10-23T10:00:00Z","not_after":"2027-01-21T10:00:00Z","names":["www.site0.example"],"key":"ECDSA P-256","fingerprint":"fe0000"}],"verified":true},"known":["fe0000"]}');
INSERT INTO states VALUES ('e0001', 'here', '192.0.2.1:443', '', '{"address":"192.0.2.1:443","sni":"","first":"2026-11-22T10:00:00Z","checked":"2026-11-22T10:28:00Z","good":"2026-11-22T10:00:00Z","verdict":"failure","now":{"version":"TLS 1.3","suite":"TLS_AES_128_GCM_SHA256","path":[{"role":"leaf","subject":"CN=www.site1.example","issuer":"CN=R10,O=Example CA","serial":"01","not_before":"2026-10-23T10:00:00Z","not_after":"2027-01-21T10:00:00Z","names":["www.site1.example"],"key":"ECDSA P-256","fingerprint":"fe0001"}],"verified":true},"healthy":{"version":"TLS 1.3","suite":"TLS_AES_128_GCM_SHA256","path":[{"role":"leaf","subject":"CN=www.site1.example","issuer":"CN=R10,O=Example CA","serial":"01","not_before":"2026-10-23T10:00:00Z","not_after":"2027-01-21T10:00:00Z","names":["www.site1.example"],"key":"ECDSA P-256","fingerprint":"fe0001"}],"verified":true},"known":["fe0001"],"sightings":[{"finding":{"key":"cert-expired","cause":"cert-expired","severity":"critical","summary":"cert-expired it is","stage":"server_hello"},"first":"2026-11-22T10:07:00Z","last":"2026-11-22T10:28:00Z","seen":4}]}');
INSERT INTO states VALUES ('e0002', 'here', '192.0.2.1:443', '', '{"address":"192.0.2.1:443","sni":"","first":"2026-11-22T10:00:00Z","checked":"2026-11-22T10:28:00Z","good":"2026-11-22T10:28:00Z","verdict":"ok","now":{"version":"TLS 1.3","suite":"TLS_AES_128_GCM_SHA256","path":[{"role":"leaf","subject":"CN=www.site2.example","issuer":"CN=R10,O=Example CA","serial":"01","not_before":"2026-10-23T10:00:00Z","not_after":"2027-01-21T10:00:00Z","names":["www.site2.example"],"key":"ECDSA P-256","fingerprint":"fe0002"}],"verified":true},"healthy":{"version":"TLS 1.3","suite":"TLS_AES_128_GCM_SHA256","path":[{"role":"leaf","subject":"CN=www.site2.example","issuer":"CN=R10,O=Example CA","serial":"01","not_before":"2026-10-23T10:00:00Z","not_after":"2027-01-21T10:00:00Z","names":["www.site2.example"],"key":"ECDSA P-256","fingerprint":"fe0002"}],"verified":true},"known":["fe0002"]}');
INSERT INTO incidents VALUES ('228d0993c0b3617119ed', 'e0001', 'here', 1795342440000000, 0, '{"id":"228d0993c0b3617119ed","endpoint":"e0001","vantage":"here","key":"cert-expired","finding":{"key":"cert-expired","cause":"cert-expired","severity":"critical","summary":"cert-expired it is","stage":"server_hello"},"severity":"critical","target":"www.site1.example","owner":"web","opened":"2026-11-22T10:14:00Z","updated":"2026-11-22T10:28:00Z","addresses":["192.0.2.1:443"],"last_good":"2026-11-22T10:00:00Z","notified":"critical","told_cause":"cert-expired","told":["mail"],"revision":1}');
INSERT INTO events VALUES (1, 1795341600000000, 'e0000', '{"id":0,"at":"2026-11-22T10:00:00Z","endpoint":"e0000","vantage":"here","address":"192.0.2.1:443","kind":"first-seen","text":"checked for the first time"}');
INSERT INTO events VALUES (2, 1795341600000000, 'e0001', '{"id":0,"at":"2026-11-22T10:00:00Z","endpoint":"e0001","vantage":"here","address":"192.0.2.1:443","kind":"first-seen","text":"checked for the first time"}');
INSERT INTO events VALUES (3, 1795341600000000, 'e0002', '{"id":0,"at":"2026-11-22T10:00:00Z","endpoint":"e0002","vantage":"here","address":"192.0.2.1:443","kind":"first-seen","text":"checked for the first time"}');
INSERT INTO events VALUES (4, 1795342020000000, 'e0002', '{"id":0,"at":"2026-11-22T10:07:00Z","endpoint":"e0002","vantage":"here","address":"192.0.2.1:443","kind":"pending","text":"seen for the first time: tcp-refused it is (tcp-refused)"}');
INSERT INTO events VALUES (5, 1795342020000000, 'e0001', '{"id":0,"at":"2026-11-22T10:07:00Z","endpoint":"e0001","vantage":"here","address":"192.0.2.1:443","kind":"pending","text":"seen for the first time: cert-expired it is (cert-expired)"}');
INSERT INTO events VALUES (6, 1795342440000000, 'e0001', '{"id":0,"at":"2026-11-22T10:14:00Z","endpoint":"e0001","vantage":"here","kind":"opened","incident":"228d0993c0b3617119ed","text":"cert-expired it is"}');
INSERT INTO events VALUES (7, 1795342440000000, 'e0001', '{"id":0,"at":"2026-11-22T10:14:00Z","endpoint":"e0001","vantage":"here","kind":"notified","incident":"228d0993c0b3617119ed","text":"opened: told [mail]"}');
INSERT INTO reaches VALUES ('here', 'public', '{"scope":"public","last_good":"2026-11-22T10:28:00Z"}');
INSERT INTO silences VALUES ('s', 1795347300000000, '{"id":"s","from":"2026-11-22T10:35:00Z","until":"2026-11-22T11:35:00Z","match":{"env":"prod"}}');
INSERT INTO outbox VALUES ('228d0993c0b3617119ed-1-06559b', 'mail', 'opened/web/cert-expired', 1795342440000000, 1795342440000000, 'waiting', '{"key":"228d0993c0b3617119ed-1-06559b","channel":"mail","kind":"opened","group":"opened/web/cert-expired","at":"2026-11-22T10:14:00Z","due":"2026-11-22T10:14:00Z","items":[{"incident":{"id":"228d0993c0b3617119ed","endpoint":"e0001","vantage":"here","key":"cert-expired","finding":{"key":"cert-expired","cause":"cert-expired","severity":"critical","summary":"cert-expired it is","stage":"server_hello"},"severity":"critical","target":"www.site1.example","owner":"web","opened":"2026-11-22T10:14:00Z","updated":"2026-11-22T10:14:00Z","addresses":["192.0.2.1:443"],"last_good":"2026-11-22T10:00:00Z","notified":"critical","told_cause":"cert-expired","told":["mail"],"revision":1},"tags":{"env":"prod"}}],"tries":0}');
