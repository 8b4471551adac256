-- A panel whose readers differ may be closed by the limit of its plan.

ALTER TABLE panels DROP CONSTRAINT panels_status_check;

ALTER TABLE panels ADD CONSTRAINT panels_status_check CHECK (status IN (
    'planned', 'reading', 'disputed', 'agreed', 'outvoted', 'adjudicated', 'single', 'void'));
