-- What the work leaves beside its events: kept answers, drafts, jobs, packs, verifications.

CREATE TABLE kept_answers (
    scope_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    body TEXT NOT NULL,
    kept_at BIGINT NOT NULL,
    PRIMARY KEY (scope_id, person_id, route, idempotency_key)
);

CREATE INDEX kept_answers_by_time ON kept_answers (kept_at);

CREATE TABLE drafts (
    scope_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    body TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (scope_id, person_id, stream)
);

CREATE TABLE jobs (
    scope_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    lease TEXT,
    leased_until BIGINT,
    error TEXT,
    stopped_at BIGINT,
    PRIMARY KEY (scope_id, id)
);

CREATE INDEX jobs_by_time ON jobs (stopped_at, run_at);
CREATE INDEX jobs_by_lease ON jobs (lease);

CREATE TABLE packs (
    digest TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX packs_by_name ON packs (name, version);

CREATE TABLE verifications (
    at BIGINT NOT NULL PRIMARY KEY,
    ok BOOLEAN NOT NULL,
    first_difference TEXT,
    counts TEXT NOT NULL
);
