-- Calibration rounds, and who is invited to them.

CREATE TABLE calibrations (
    scope_id TEXT NOT NULL,
    calibration_id TEXT NOT NULL,
    title_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'closed')),
    cases BIGINT NOT NULL,
    invited BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    findings BIGINT NOT NULL,
    PRIMARY KEY (scope_id, calibration_id)
);

CREATE TABLE invitees (
    scope_id TEXT NOT NULL,
    calibration_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    cases_read BIGINT NOT NULL,
    present BOOLEAN NOT NULL,
    PRIMARY KEY (scope_id, calibration_id, person_id)
);

CREATE INDEX invitees_by_person ON invitees (scope_id, person_id, calibration_id);
