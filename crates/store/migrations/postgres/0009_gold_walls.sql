-- The second wall around gold cases and their showings, as around every other row of an engagement.

ALTER TABLE golds ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON golds USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON golds TO remit_app;

ALTER TABLE showings ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON showings USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON showings TO remit_app;
