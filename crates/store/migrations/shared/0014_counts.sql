-- Cases are counted by status from this index alone, however many there are.

CREATE INDEX cases_counted ON cases (scope_id, status, showing);
