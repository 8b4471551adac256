-- What was read before is in the states of the panels: the tables of figures are filled from there.

INSERT INTO readings (scope_id, case_id, reading_id, reader_id, part, origin, read_at)
SELECT snapshots.scope_id, json_extract(snapshots.body, '$.case'), json_extract(given.value, '$.reading'),
    json_extract(given.value, '$.reader'), json_extract(given.value, '$.part'),
    json_extract(given.value, '$.provenance.origin'),
    COALESCE(json_extract(given.value, '$.provenance.claimed_at'), json_extract(given.value, '$.sealed_at'))
FROM snapshots, json_each(snapshots.body, '$.readings') AS given
WHERE snapshots.stream LIKE 'panel/%';

INSERT INTO known_answers (scope_id, case_id, question, known, answer)
SELECT snapshots.scope_id, json_extract(snapshots.body, '$.case'), given.key, 'reference',
    json_extract(given.value, '$.choice')
FROM snapshots, json_each(snapshots.body, '$.reference') AS given
WHERE snapshots.stream LIKE 'panel/%' AND json_extract(given.value, '$.choice') IS NOT NULL;

INSERT INTO known_answers (scope_id, case_id, question, known, answer)
SELECT snapshots.scope_id, json_extract(snapshots.body, '$.case'), given.key, 'adjudicated',
    json_extract(given.value, '$.choice')
FROM snapshots, json_each(snapshots.body, '$.adjudications[#-1].judgement.answers') AS given
WHERE snapshots.stream LIKE 'panel/%' AND json_extract(given.value, '$.choice') IS NOT NULL;
