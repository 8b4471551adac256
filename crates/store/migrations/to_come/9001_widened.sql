-- A column in each table that every act writes, and an index, as a build to come might add them.

ALTER TABLE events ADD COLUMN to_come TEXT;
ALTER TABLE snapshots ADD COLUMN to_come BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN to_come BIGINT NOT NULL DEFAULT 0;
ALTER TABLE entries ADD COLUMN to_come TEXT;

CREATE INDEX cases_to_come ON cases (scope_id, to_come, case_id);
