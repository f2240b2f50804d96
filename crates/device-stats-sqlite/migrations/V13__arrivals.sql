-- The longest silence of a device that is normal, in microseconds. NULL if it is learned from the arrivals.
ALTER TABLE devices ADD COLUMN expected_interval_us INTEGER;

-- The arrivals of readings of each device, merged into one row. The fields of the type `ArrivalRecord`.
CREATE TABLE arrival (
    device INTEGER PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    -- Time in microseconds since 1970 UTC.
    last_at INTEGER NOT NULL,
    arrivals INTEGER NOT NULL,
    -- The longest and the second longest recent silence, in microseconds.
    silence_us INTEGER NOT NULL,
    second_silence_us INTEGER NOT NULL,
    readings_per_second REAL NOT NULL,
    readings_per_arrival REAL NOT NULL,
    offset_us INTEGER,
    steady_lags INTEGER NOT NULL
) STRICT;
