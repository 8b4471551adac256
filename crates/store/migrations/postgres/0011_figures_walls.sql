-- The second wall around the tables of figures, which are filled from the states of the panels.

ALTER TABLE readings ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON readings USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON readings TO remit_app;

ALTER TABLE known_answers ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON known_answers USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON known_answers TO remit_app;

INSERT INTO readings (scope_id, case_id, reading_id, reader_id, part, origin, read_at)
SELECT snapshots.scope_id, CAST(snapshots.body AS JSON)->>'case', given.value->>'reading', given.value->>'reader',
    given.value->>'part', given.value->'provenance'->>'origin',
    CAST(COALESCE(given.value->'provenance'->>'claimed_at', given.value->>'sealed_at') AS BIGINT)
FROM snapshots CROSS JOIN LATERAL json_array_elements(CAST(snapshots.body AS JSON)->'readings') AS given
WHERE snapshots.stream LIKE 'panel/%';

INSERT INTO known_answers (scope_id, case_id, question, known, answer)
SELECT snapshots.scope_id, CAST(snapshots.body AS JSON)->>'case', given.key, 'reference', given.value->>'choice'
FROM snapshots CROSS JOIN LATERAL json_each(CAST(snapshots.body AS JSON)->'reference') AS given
WHERE snapshots.stream LIKE 'panel/%' AND given.value->>'choice' IS NOT NULL;

INSERT INTO known_answers (scope_id, case_id, question, known, answer)
SELECT snapshots.scope_id, CAST(snapshots.body AS JSON)->>'case', given.key, 'adjudicated', given.value->>'choice'
FROM snapshots CROSS JOIN LATERAL json_each(CAST(snapshots.body AS JSON)->'adjudications'->-1->'judgement'->'answers')
    AS given
WHERE snapshots.stream LIKE 'panel/%' AND given.value->>'choice' IS NOT NULL;
