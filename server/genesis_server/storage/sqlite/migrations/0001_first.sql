-- Positions that only go up: the last change of a document, the last fencing token.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);
INSERT INTO counters (name, value) VALUES ('revision', 0), ('token', 0);

CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    expires REAL,
    revision INTEGER NOT NULL,
    UNIQUE (tenant, kind, id)
);
CREATE INDEX documents_by_revision ON documents (tenant, kind, revision);
CREATE INDEX documents_by_expiry ON documents (expires) WHERE expires IS NOT NULL;

-- Deletions, kept for a while so that watchers hear of them.
CREATE TABLE tombstones (
    revision INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    time REAL NOT NULL
);
CREATE INDEX tombstones_by_kind ON tombstones (tenant, kind, revision);
CREATE INDEX tombstones_by_time ON tombstones (time);

CREATE TABLE journal (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    stream TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    value BLOB NOT NULL,
    time REAL NOT NULL,
    UNIQUE (tenant, stream, sequence)
);

CREATE TABLE leases (
    token INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    expires REAL NOT NULL
);
CREATE INDEX leases_by_name ON leases (tenant, name, expires);
CREATE INDEX leases_by_expiry ON leases (expires);
