-- The catalogue of sealed readings: a row for each segment. The head comes last: what is before it can be read without
-- the overflow pages into which a long head runs. Times are in microseconds since 1970 UTC. AUTOINCREMENT: the blocks
-- and caches of a segment go by its id, so a later one must never get it again.
CREATE TABLE segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    readings INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    head BLOB NOT NULL
) STRICT;

-- Tells which segments touch a window without a look at their rows. Most questions are about times behind the last
-- sealed one, or not far before it, so the last time leads.
CREATE INDEX segment_by_device ON segment (device, last_us, first_us, readings);

-- The blocks of the segments. The id is that of the segment times 65536, plus the number of the block: one search finds
-- a block, and those of a segment lie side by side.
CREATE TABLE segment_block (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Fires also where a segment goes because its device or user does.
CREATE TRIGGER segment_takes_blocks_along AFTER DELETE ON segment BEGIN
    DELETE FROM segment_block WHERE id BETWEEN old.id << 16 AND (old.id << 16) + 65535;
END;

-- SQLite removes many rows of a table with a foreign key in two passes, by way of a temporary list of their keys; without
-- one, sealing removes hot readings three times as fast. So a trigger takes the key's place. No reading can come to a
-- device that is not there: who appends looks for it in the same transaction. What is stored stays as it is; for that
-- case SQLite's own page about ALTER TABLE has this way, which copies nothing.
CREATE TRIGGER device_takes_readings_along AFTER DELETE ON devices BEGIN
    DELETE FROM reading WHERE device = old.id;
END;

PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES devices (id) ON DELETE CASCADE', '')
WHERE type = 'table' AND name = 'reading';
PRAGMA writable_schema = RESET;
