-- Time of creation, in microseconds since 1970 UTC. NULL in rows that were inserted before this migration.
ALTER TABLE users ADD COLUMN created_at INTEGER;
ALTER TABLE devices ADD COLUMN created_at INTEGER;
