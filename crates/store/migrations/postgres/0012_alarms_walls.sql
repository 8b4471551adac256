-- The second wall around alarms, as around every other row of an engagement.

ALTER TABLE alarms ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON alarms USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON alarms TO remit_app;
