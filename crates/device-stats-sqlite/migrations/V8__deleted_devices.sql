-- Deleted devices whose segments are still stored. They are deleted in slices, in the background. A segment belongs to a
-- device in `devices` or in this table. A device without a row in `devices` does not exist for any other statement.
CREATE TABLE deleted_device (
    device INTEGER PRIMARY KEY
) STRICT;

-- Also fires if a foreign key deletes a device together with its user.
CREATE TRIGGER deleted_device_leaves_segments AFTER DELETE ON devices BEGIN
    INSERT INTO deleted_device (device) VALUES (old.id);
END;

-- Removes the foreign key of the segments, which would delete all segments together with their device. SQLite's page about
-- ALTER TABLE describes this way, which copies nothing. Each statement that inserts a segment checks that the device exists.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES devices (id) ON DELETE CASCADE', '')
WHERE type = 'table' AND name = 'segment';
PRAGMA writable_schema = RESET;
