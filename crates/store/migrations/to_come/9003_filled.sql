-- What was there before is filled in: the new table from an old one, and a column in every row.

INSERT INTO to_come (scope_id, case_id, received_at) SELECT scope_id, case_id, received_at FROM cases;

UPDATE cases SET to_come = received_at;
