-- Number of repeats of a keyed request whose values differ from those of the stored reading. It is 0 for requests before
-- this migration, which did not count such repeats.
ALTER TABLE keyed_request ADD COLUMN conflicts INTEGER NOT NULL DEFAULT 0;
