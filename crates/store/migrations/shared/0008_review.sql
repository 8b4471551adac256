-- Reviews of finished work, lots and their secret seeds. Cases may be in review, and duties may be reviews: their tables
-- are made anew with these words.

CREATE TABLE reviews (
    scope_id TEXT NOT NULL,
    review_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    lot_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('quality', 'in_house')),
    status TEXT NOT NULL CHECK (status IN (
        'open', 'taken', 'passed', 'failed', 'rebutted', 'upheld', 'overturned', 'cancelled')),
    reviewer_id TEXT,
    drawn_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (scope_id, review_id)
);

CREATE INDEX reviews_by_status ON reviews (scope_id, status, drawn_at, review_id);
CREATE INDEX reviews_by_lot ON reviews (scope_id, lot_id, drawn_at, review_id);
CREATE INDEX reviews_by_case ON reviews (scope_id, case_id, drawn_at, review_id);

CREATE TABLE defects (
    scope_id TEXT NOT NULL,
    review_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    case_id TEXT NOT NULL,
    lot_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fact', 'standard', 'reasoning', 'evidence', 'format', 'missed_scope')),
    severity TEXT NOT NULL CHECK (severity IN ('critical', 'major', 'minor')),
    question TEXT NOT NULL,
    PRIMARY KEY (scope_id, review_id, ordinal)
);

CREATE INDEX defects_by_kind ON defects (scope_id, kind, review_id, ordinal);

CREATE TABLE lots (
    scope_id TEXT NOT NULL,
    lot_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    case_type TEXT NOT NULL,
    number BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'judging', 'accepted', 'rejected', 'closed')),
    opened_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    size BIGINT NOT NULL,
    drawn BIGINT NOT NULL,
    reviewed BIGINT NOT NULL,
    found BIGINT NOT NULL,
    PRIMARY KEY (scope_id, lot_id)
);

CREATE INDEX lots_by_time ON lots (scope_id, opened_at, lot_id);

CREATE TABLE lot_seeds (
    scope_id TEXT NOT NULL,
    lot_id TEXT NOT NULL,
    seed TEXT NOT NULL,
    PRIMARY KEY (scope_id, lot_id)
);

CREATE TABLE cases_anew (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    reference_id TEXT NOT NULL,
    reference_key TEXT NOT NULL,
    title_id TEXT NOT NULL,
    case_type TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (
        'scope_query', 'declined', 'ready', 'reading', 'adjudicating', 'resolved', 'in_review', 'awaiting_sign_off',
        'signed_off', 'delivered', 'revision', 'accepted', 'cancelled')),
    origin TEXT NOT NULL CHECK (origin IN ('witnessed', 'imported')),
    line_id TEXT,
    owner_id TEXT NOT NULL,
    jurisdiction TEXT NOT NULL,
    urgent BOOLEAN NOT NULL,
    due_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    since BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    changed_after_agreement BOOLEAN NOT NULL,
    PRIMARY KEY (scope_id, case_id)
);

INSERT INTO cases_anew (scope_id, case_id, reference_id, reference_key, title_id, case_type, status, origin, line_id,
    owner_id, jurisdiction, urgent, due_at, received_at, since, revision, changed_after_agreement)
SELECT scope_id, case_id, reference_id, reference_key, title_id, case_type, status, origin, line_id, owner_id,
    jurisdiction, urgent, due_at, received_at, since, revision, changed_after_agreement FROM cases;

DROP TABLE cases;

ALTER TABLE cases_anew RENAME TO cases;

CREATE UNIQUE INDEX cases_reference ON cases (scope_id, reference_key);
CREATE INDEX cases_by_due ON cases (scope_id, due_at, case_id);
CREATE INDEX cases_by_status ON cases (scope_id, status, due_at, case_id);
CREATE INDEX cases_by_owner ON cases (scope_id, owner_id, due_at, case_id);

CREATE TABLE duties_anew (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    duty TEXT NOT NULL CHECK (duty IN ('read', 'adjudicate', 'sign', 'review')),
    ordinal BIGINT NOT NULL,
    assignment_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'done', 'released')),
    taken_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (scope_id, case_id, duty, ordinal)
);

INSERT INTO duties_anew (scope_id, case_id, duty, ordinal, assignment_id, person_id, status, taken_at, due_at)
SELECT scope_id, case_id, duty, ordinal, assignment_id, person_id, status, taken_at, due_at FROM duties;

DROP TABLE duties;

ALTER TABLE duties_anew RENAME TO duties;

CREATE UNIQUE INDEX duties_by_assignment ON duties (scope_id, assignment_id);
CREATE INDEX duties_by_case ON duties (scope_id, case_id, person_id);
CREATE INDEX duties_by_person ON duties (scope_id, person_id, status, due_at, case_id);
