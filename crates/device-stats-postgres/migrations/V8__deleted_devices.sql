-- Deleted devices whose readings are still stored. They are deleted in slices, in the background. A reading or segment
-- belongs to a device in `devices` or in this table. A device without a row in `devices` does not exist for any other
-- statement.
CREATE TABLE deleted_device (
    device bigint CONSTRAINT deleted_device_by_device PRIMARY KEY
);

CREATE FUNCTION note_deleted_devices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deleted_device (device) SELECT id FROM gone;
    RETURN NULL;
END
$$;

-- Also fires if a foreign key deletes devices together with their user.
CREATE TRIGGER deleted_devices_leave_readings AFTER DELETE ON devices
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_deleted_devices();

-- These foreign keys would delete all segments together with their device. Each transaction that inserts a segment locks its
-- device, which a deletion waits for.
ALTER TABLE segment DROP CONSTRAINT segment_device_references;
ALTER TABLE segment_block DROP CONSTRAINT segment_block_device_references;
