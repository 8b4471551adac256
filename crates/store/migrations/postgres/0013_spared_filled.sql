-- Panels that were stopped before are in their states.

UPDATE panels SET spared = CAST(CAST(snapshots.body AS JSON)->'stopping'->>'readings_max' AS BIGINT)
    - CAST(CAST(snapshots.body AS JSON)->'weighed'->-1->0->>'readings' AS BIGINT)
FROM snapshots
WHERE snapshots.scope_id = panels.scope_id AND snapshots.stream = 'panel/panel_' || SUBSTR(panels.case_id, 6)
    AND CAST(snapshots.body AS JSON)->'weighed'->-1->0->>'verdict' = 'enough'
    AND panels.status IN ('agreed', 'outvoted', 'adjudicated', 'single');
