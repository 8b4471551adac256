-- A panel whose readers differ may be closed by the limit of its plan. A check of SQLite cannot be changed, so the table is
-- made anew with its rows.

CREATE TABLE panels_anew (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (
        'planned', 'reading', 'disputed', 'agreed', 'outvoted', 'adjudicated', 'single', 'void')),
    origin TEXT NOT NULL CHECK (origin IN ('witnessed', 'imported')),
    planned BIGINT NOT NULL,
    sealed BIGINT NOT NULL,
    disputed BOOLEAN NOT NULL,
    other_evidence BOOLEAN NOT NULL,
    PRIMARY KEY (scope_id, case_id)
);

INSERT INTO panels_anew (scope_id, case_id, status, origin, planned, sealed, disputed, other_evidence)
    SELECT scope_id, case_id, status, origin, planned, sealed, disputed, other_evidence FROM panels;

DROP TABLE panels;

ALTER TABLE panels_anew RENAME TO panels;
