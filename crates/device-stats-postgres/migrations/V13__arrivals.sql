-- The longest silence of a device that is normal, in microseconds. NULL if it is learned from the arrivals.
ALTER TABLE devices ADD COLUMN expected_interval_us bigint;

-- The arrivals of readings of each device, merged into one row. The fields of the type `ArrivalRecord`. A row without
-- arrivals exists only inside of the transaction that inserts it.
--
-- The table can be distributed by device, like the segments, so it has no foreign key. The purge of a deleted device deletes
-- its row. A transaction that inserts a row locks the device, so none is inserted after the deletion.
--
-- Each row of a device that sends is updated every few seconds. Pages with free space keep the new version of a row beside
-- the old one, so the index does not grow.
CREATE TABLE arrival (
    device bigint CONSTRAINT arrival_by_device PRIMARY KEY,
    -- Time in microseconds since 1970 UTC.
    last_at bigint NOT NULL DEFAULT 0,
    arrivals bigint NOT NULL DEFAULT 0,
    -- The longest and the second longest recent silence, in microseconds.
    silence_us bigint NOT NULL DEFAULT 0,
    second_silence_us bigint NOT NULL DEFAULT 0,
    readings_per_second double precision NOT NULL DEFAULT 0,
    readings_per_arrival double precision NOT NULL DEFAULT 0,
    offset_us bigint,
    steady_lags smallint NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_scale_factor = 0.02);
