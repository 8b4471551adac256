-- The second wall around precedents, as around every other row of an engagement.

ALTER TABLE precedents ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON precedents USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON precedents TO remit_app;
