-- Gold cases and their showings. A showing is a case that no list or count but its reader's own speaks of.

ALTER TABLE cases ADD COLUMN showing BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE golds (
    scope_id TEXT NOT NULL,
    gold_id TEXT NOT NULL,
    -- The case it was made of.
    case_id TEXT NOT NULL,
    pack TEXT NOT NULL,
    case_type TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('proposed', 'active', 'declined', 'retired')),
    version BIGINT NOT NULL,
    questions BIGINT NOT NULL,
    shown BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    proposed_at BIGINT NOT NULL,
    PRIMARY KEY (scope_id, gold_id)
);

CREATE INDEX golds_by_pack ON golds (scope_id, status, pack, shown, gold_id);

CREATE TABLE showings (
    scope_id TEXT NOT NULL,
    case_id TEXT NOT NULL,
    gold_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    stands_for TEXT NOT NULL,
    shown_at BIGINT NOT NULL,
    withheld_until BIGINT NOT NULL,
    closes_at BIGINT NOT NULL,
    answered_at BIGINT,
    questions BIGINT NOT NULL,
    missed BIGINT NOT NULL,
    told BOOLEAN NOT NULL,
    rebuttal TEXT CHECK (rebuttal IN ('open', 'upheld', 'rejected')),
    PRIMARY KEY (scope_id, case_id)
);

CREATE INDEX showings_by_gold ON showings (scope_id, gold_id, case_id);
CREATE INDEX showings_by_person ON showings (scope_id, person_id, withheld_until);
