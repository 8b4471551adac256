-- What happened: events, the states they fold to, texts apart from them, and the record of acts and views.

CREATE TABLE events (
    scope_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    stream_version BIGINT NOT NULL CHECK (stream_version > 0),
    act_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    v INTEGER NOT NULL,
    recorded_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (scope_id, stream, stream_version)
);

CREATE TABLE snapshots (
    scope_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    shape INTEGER NOT NULL,
    head TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (scope_id, stream)
);

-- An erased text keeps its row and commitment; salt and body are gone.
CREATE TABLE texts (
    scope_id TEXT NOT NULL,
    id TEXT NOT NULL,
    case_id TEXT,
    salt BLOB,
    commitment TEXT NOT NULL,
    body TEXT,
    erased_at BIGINT,
    PRIMARY KEY (scope_id, id),
    CHECK ((erased_at IS NULL) = (body IS NOT NULL AND salt IS NOT NULL))
);

CREATE INDEX texts_by_case ON texts (scope_id, case_id);

CREATE TABLE entries (
    scope_id TEXT NOT NULL,
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT,
    roles TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    case_id TEXT,
    object_hash TEXT,
    decision TEXT NOT NULL CHECK (decision IN ('allow', 'deny')),
    policy_set_hash TEXT NOT NULL,
    policy_ids TEXT NOT NULL,
    purpose TEXT NOT NULL,
    country TEXT,
    request_id TEXT NOT NULL,
    commitments TEXT NOT NULL,
    digest TEXT NOT NULL,
    leaf_index BIGINT,
    PRIMARY KEY (scope_id, id)
);

CREATE INDEX entries_by_time ON entries (scope_id, at, id);
CREATE INDEX entries_by_object ON entries (scope_id, object, at, id);
CREATE INDEX entries_by_case ON entries (scope_id, case_id, at, id);
CREATE INDEX entries_by_actor ON entries (scope_id, actor, at, id);
