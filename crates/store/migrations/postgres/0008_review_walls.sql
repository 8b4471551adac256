-- The second wall around what reviews and lots added. The seed of a lot is written once and never changes.

ALTER TABLE reviews ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON reviews USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON reviews TO remit_app;

ALTER TABLE defects ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON defects USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON defects TO remit_app;

ALTER TABLE lots ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON lots USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON lots TO remit_app;

ALTER TABLE lot_seeds ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON lot_seeds USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT ON lot_seeds TO remit_app;

ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON cases USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON cases TO remit_app;

ALTER TABLE duties ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON duties USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON duties TO remit_app;
