-- The second wall around calibration rounds, as around every other row of an engagement.

ALTER TABLE calibrations ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON calibrations USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON calibrations TO remit_app;

ALTER TABLE invitees ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON invitees USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON invitees TO remit_app;
