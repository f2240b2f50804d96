-- The repeats of a keyed request whose values differ from those of the stored reading. Earlier requests did not count them.
ALTER TABLE keyed_request ADD COLUMN conflicts INTEGER NOT NULL DEFAULT 0;
