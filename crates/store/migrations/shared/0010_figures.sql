-- What figures of quality are made of beside the answers: when each reading was made, and which answers count as right.

CREATE TABLE readings (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    reading_id TEXT NOT NULL,
    reader_id TEXT NOT NULL,
    part TEXT NOT NULL CHECK (part IN ('panel', 'extra', 'ai')),
    origin TEXT NOT NULL CHECK (origin IN ('witnessed', 'imported')),
    read_at BIGINT NOT NULL,
    PRIMARY KEY (scope_id, case_id, reading_id)
);

CREATE INDEX readings_by_reader ON readings (scope_id, reader_id, read_at, reading_id);

CREATE TABLE known_answers (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    question TEXT NOT NULL,
    known TEXT NOT NULL CHECK (known IN ('reference', 'adjudicated')),
    answer TEXT NOT NULL,
    PRIMARY KEY (scope_id, case_id, question, known)
);

CREATE INDEX known_answers_by_question ON known_answers (scope_id, question, case_id, known);
