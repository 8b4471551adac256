-- A table, as a build to come might add it.

CREATE TABLE to_come (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (scope_id, case_id)
);
