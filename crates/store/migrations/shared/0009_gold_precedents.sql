-- Precedents: decided cases published as guidance.

CREATE TABLE precedents (
    scope_id TEXT NOT NULL,
    precedent_id TEXT NOT NULL,
    pack TEXT NOT NULL,
    case_type TEXT NOT NULL,
    question TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('proposed', 'in_force', 'declined', 'withdrawn', 'superseded')),
    since BIGINT NOT NULL,
    PRIMARY KEY (scope_id, precedent_id)
);

CREATE INDEX precedents_by_type ON precedents (scope_id, pack, case_type, status, precedent_id);
