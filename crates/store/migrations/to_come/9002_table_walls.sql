-- The second wall around that table.

ALTER TABLE to_come ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON to_come USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON to_come TO remit_app;
