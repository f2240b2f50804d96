-- Time of creation, in microseconds since 1970 UTC, by the clock of the database. NULL in rows that were inserted before
-- this migration.
ALTER TABLE users ADD COLUMN created_at bigint;
ALTER TABLE users ALTER COLUMN created_at SET DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
ALTER TABLE devices ADD COLUMN created_at bigint;
ALTER TABLE devices ALTER COLUMN created_at SET DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- Finds the devices of a user by ascending id, also from a given id on.
CREATE INDEX devices_by_user_and_id ON devices (user_id, id);
DROP INDEX devices_by_user;
