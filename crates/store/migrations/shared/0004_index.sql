-- How lists, queues and figures are found. Every row here can be made again from the events.

CREATE TABLE engagements (
    scope_id TEXT NOT NULL PRIMARY KEY,
    name_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'live')),
    drafted_at BIGINT NOT NULL
);

CREATE TABLE members (
    scope_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('client', 'provider')),
    roles TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    capacity BIGINT NOT NULL,
    load BIGINT NOT NULL,
    PRIMARY KEY (scope_id, person_id)
);

CREATE INDEX members_by_person ON members (person_id, scope_id);

CREATE TABLE cases (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    reference_id TEXT NOT NULL,
    reference_key TEXT NOT NULL,
    title_id TEXT NOT NULL,
    case_type TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (
        'scope_query', 'declined', 'ready', 'reading', 'adjudicating', 'resolved', 'awaiting_sign_off', 'signed_off',
        'delivered', 'revision', 'accepted', 'cancelled')),
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
    PRIMARY KEY (scope_id, case_id),
    CONSTRAINT cases_reference UNIQUE (scope_id, reference_key)
);

CREATE INDEX cases_by_due ON cases (scope_id, due_at, case_id);
CREATE INDEX cases_by_status ON cases (scope_id, status, due_at, case_id);
CREATE INDEX cases_by_owner ON cases (scope_id, owner_id, due_at, case_id);

CREATE TABLE seats (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    seat BIGINT NOT NULL,
    need TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (scope_id, case_id, seat)
);

CREATE INDEX seats_by_need ON seats (scope_id, need, due_at, case_id, seat);

CREATE TABLE needs (
    scope_id TEXT NOT NULL,
    need TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (scope_id, need)
);

CREATE TABLE duties (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    duty TEXT NOT NULL CHECK (duty IN ('read', 'adjudicate', 'sign')),
    ordinal BIGINT NOT NULL,
    assignment_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'done', 'released')),
    taken_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (scope_id, case_id, duty, ordinal)
);

CREATE UNIQUE INDEX duties_by_assignment ON duties (scope_id, assignment_id);
CREATE INDEX duties_by_case ON duties (scope_id, case_id, person_id);
CREATE INDEX duties_by_person ON duties (scope_id, person_id, status, due_at, case_id);

CREATE TABLE panels (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (
        'planned', 'reading', 'disputed', 'agreed', 'adjudicated', 'single', 'void')),
    origin TEXT NOT NULL CHECK (origin IN ('witnessed', 'imported')),
    planned BIGINT NOT NULL,
    sealed BIGINT NOT NULL,
    disputed BOOLEAN NOT NULL,
    other_evidence BOOLEAN NOT NULL,
    PRIMARY KEY (scope_id, case_id)
);

CREATE TABLE disputes (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    question TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('witnessed', 'imported')),
    PRIMARY KEY (scope_id, case_id, question)
);

CREATE INDEX disputes_by_question ON disputes (scope_id, question, origin, case_id);

CREATE TABLE answers (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    reading_id TEXT NOT NULL,
    question TEXT NOT NULL,
    reader_id TEXT NOT NULL,
    answer TEXT NOT NULL,
    part TEXT NOT NULL CHECK (part IN ('panel', 'extra', 'ai')),
    origin TEXT NOT NULL CHECK (origin IN ('witnessed', 'imported')),
    revealed BOOLEAN NOT NULL,
    PRIMARY KEY (scope_id, case_id, reading_id, question)
);

CREATE INDEX answers_by_question ON answers (scope_id, question, case_id, reading_id);

CREATE TABLE organisations (
    scope_id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    name_id TEXT NOT NULL,
    PRIMARY KEY (scope_id, org_id)
);

CREATE TABLE people (
    scope_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    natural_id TEXT NOT NULL,
    org_id TEXT NOT NULL,
    name_id TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    signs_in BOOLEAN NOT NULL,
    PRIMARY KEY (scope_id, person_id)
);

CREATE INDEX people_by_natural ON people (scope_id, natural_id);

CREATE TABLE credentials (
    scope_id TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    jurisdiction TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_to TEXT NOT NULL,
    revoked BOOLEAN NOT NULL,
    PRIMARY KEY (scope_id, credential_id)
);

CREATE INDEX credentials_by_person ON credentials (scope_id, person_id);
