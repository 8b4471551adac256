-- Alarms of charts: what was watched, since when, and what it came from.

CREATE TABLE alarms (
    scope_id TEXT NOT NULL,
    alarm_id TEXT NOT NULL,
    yardstick TEXT NOT NULL CHECK (yardstick IN ('answers', 'gold', 'defects')),
    question TEXT NOT NULL,
    reader_id TEXT,
    site TEXT,
    raised_at BIGINT NOT NULL,
    closed_at BIGINT,
    cause TEXT CHECK (cause IN ('coached', 'recalibrated', 'guidance_changed', 'reader_withdrawn', 'harder_cases',
        'reference_wrong', 'chance')),
    PRIMARY KEY (scope_id, alarm_id)
);

CREATE INDEX alarms_open ON alarms (scope_id, closed_at, raised_at, alarm_id);

CREATE INDEX reviews_by_finish ON reviews (scope_id, kind, finished_at, review_id);
