-- Who may come in. These tables belong to the directory by themselves, so they carry no scope.

CREATE TABLE logins (
    person_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT logins_name UNIQUE (name)
);

CREATE TABLE sessions (
    token_hash TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('browser', 'token')),
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    reauth_at BIGINT,
    CONSTRAINT sessions_id UNIQUE (id)
);

CREATE INDEX sessions_by_person ON sessions (person_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE login_attempts (
    attempt_key TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (attempt_key, at)
);

CREATE INDEX login_attempts_by_time ON login_attempts (at);
