-- How many readings the limit of a plan spared: what it would have allowed, less what was bought when it stopped the panel.

ALTER TABLE panels ADD COLUMN spared BIGINT NOT NULL DEFAULT 0;
