-- Which node does what only one may do at a time. Belongs to the installation, so it carries no scope.

CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);
