-- AUTOINCREMENT: an id that was given once is never given again, even after the row with the highest id was deleted.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE devices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id TEXT NOT NULL UNIQUE,
    name TEXT,
    user_id INTEGER REFERENCES users (id) ON DELETE CASCADE
) STRICT;

CREATE INDEX devices_by_user ON devices (user_id);

-- A reading is identified by its device and its time, in microseconds since 1970 UTC. The rows of a device lie side by
-- side in order of time.
CREATE TABLE reading (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    time INTEGER NOT NULL,
    id INTEGER NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    z REAL NOT NULL,
    PRIMARY KEY (device, time)
) STRICT, WITHOUT ROWID;

-- The first id of each kind that is not reserved yet.
CREATE TABLE id_block (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO id_block (name, next) VALUES ('reading', 1);
