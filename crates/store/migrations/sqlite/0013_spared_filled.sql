-- Panels that were stopped before are in their states.

UPDATE panels SET spared = COALESCE((
    SELECT json_extract(snapshots.body, '$.stopping.readings_max') - json_extract(snapshots.body, '$.weighed[#-1][0].readings')
    FROM snapshots
    WHERE snapshots.scope_id = panels.scope_id AND snapshots.stream = 'panel/panel_' || SUBSTR(panels.case_id, 6)
        AND json_extract(snapshots.body, '$.weighed[#-1][0].verdict') = 'enough'), 0)
WHERE status IN ('agreed', 'outvoted', 'adjudicated', 'single');
