-- The second wall. The role that does the daily work sees and writes only rows of the scope that the connection has named,
-- and those of the directory; `*` is named by the few statements that go through all scopes. What is append-only it may
-- neither change nor remove. Owners of tables are not held by it, so migrations run as the owner and work never does.

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON events USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT ON events TO remit_app;

ALTER TABLE snapshots ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON snapshots USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE ON snapshots TO remit_app;

ALTER TABLE texts ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON texts USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE ON texts TO remit_app;

ALTER TABLE entries ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON entries USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT ON entries TO remit_app;

ALTER TABLE kept_answers ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON kept_answers USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON kept_answers TO remit_app;

ALTER TABLE drafts ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON drafts USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON drafts TO remit_app;

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON jobs USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO remit_app;

ALTER TABLE engagements ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON engagements USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON engagements TO remit_app;

ALTER TABLE members ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON members USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON members TO remit_app;

ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON cases USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON cases TO remit_app;

ALTER TABLE seats ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON seats USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON seats TO remit_app;

ALTER TABLE needs ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON needs USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON needs TO remit_app;

ALTER TABLE duties ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON duties USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON duties TO remit_app;

ALTER TABLE panels ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON panels USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON panels TO remit_app;

ALTER TABLE disputes ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON disputes USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON disputes TO remit_app;

ALTER TABLE answers ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON answers USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON answers TO remit_app;

ALTER TABLE organisations ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON organisations USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON organisations TO remit_app;

ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON people USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON people TO remit_app;

ALTER TABLE credentials ENABLE ROW LEVEL SECURITY;
CREATE POLICY wall ON credentials USING (scope_id IN (current_setting('remit.scope', true), 'dir')
    OR current_setting('remit.scope', true) = '*');
GRANT SELECT, INSERT, UPDATE, DELETE ON credentials TO remit_app;

GRANT SELECT, INSERT ON packs TO remit_app;
GRANT SELECT, INSERT, UPDATE ON verifications TO remit_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON logins TO remit_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO remit_app;
GRANT SELECT, INSERT, DELETE ON login_attempts TO remit_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO remit_app;
GRANT SELECT ON migrations TO remit_app;
