-- Of two reviews of the same content, by different reviewers, each names the other one.

ALTER TABLE reviews ADD COLUMN twin_id TEXT;

CREATE INDEX reviews_by_twin ON reviews (scope_id, finished_at, review_id) WHERE twin_id IS NOT NULL;

-- Whether a review looks at what was mended after another one had failed it.

ALTER TABLE reviews ADD COLUMN rework BOOLEAN NOT NULL DEFAULT FALSE;
