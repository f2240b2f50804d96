-- The repeats of a keyed request whose values differ from those of the stored reading. Earlier requests did not count them.
ALTER TABLE keyed_request ADD COLUMN conflicts bigint NOT NULL DEFAULT 0;

DROP FUNCTION append_untouched(
    bigint[], bigint[], bigint[], double precision[], double precision[], double precision[],
    boolean, bigint[], bigint[], bigint[]);

-- Appends readings that no segment touches, in one statement and thereby one transaction, and returns which of them are not
-- new, counted from 1, each with the values of the stored reading. The spans say, for each device once, from when to when
-- there must be no segment; where all readings have to be new, nor a reading. Where there is one, nothing is done, and NULL
-- is returned.
--
-- First it inserts, and then it looks. Each statement of the function sees what was committed before that statement, so
-- the look sees the segment of every row that was gone when it was inserted again, or when its values were read. Where one
-- has come, or where another caller has stored one of the readings since it was looked for, everything is undone.
CREATE FUNCTION append_untouched(
    devices bigint[], times bigint[], ids bigint[],
    xs double precision[], ys double precision[], zs double precision[],
    all_new boolean,
    span_devices bigint[], span_earliest bigint[], span_latest bigint[]
) RETURNS TABLE (place bigint, x double precision, y double precision, z double precision) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    locked bigint;
    may_repeat boolean;
    repeats bigint[];
BEGIN
    PERFORM FROM unnest(span_devices) AS span (device) JOIN devices ON id = span.device
    ORDER BY id FOR KEY SHARE OF devices;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked < cardinality(span_devices) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a reading is of a device that does not exist';
    END IF;
    may_repeat := EXISTS (
        SELECT FROM unnest(span_devices, span_earliest, span_latest) AS span (device, earliest, latest)
        CROSS JOIN LATERAL (
            SELECT FROM reading
            WHERE reading.device = span.device AND time BETWEEN earliest AND latest LIMIT 1) AS near);
    IF may_repeat AND all_new OR EXISTS (
        SELECT FROM unnest(span_devices, span_earliest, span_latest) AS span (device, earliest, latest)
        JOIN segment ON segment.device = span.device AND last_us >= earliest AND first_us <= latest)
    THEN
        RETURN QUERY SELECT NULL::bigint, NULL::double precision, NULL::double precision, NULL::double precision;
        RETURN;
    END IF;
    IF may_repeat THEN
        WITH stored AS (
            INSERT INTO reading AS new (device, time, id, x, y, z)
            SELECT * FROM unnest(devices, times, ids, xs, ys, zs)
            ON CONFLICT (device, time) DO NOTHING
            RETURNING new.device, new.time)
        SELECT array_agg(sent.place) FROM unnest(devices, times) WITH ORDINALITY AS sent (device, time, place)
        LEFT JOIN stored USING (device, time)
        WHERE stored.device IS NULL
        INTO repeats;
        RETURN QUERY
            SELECT repeat.place, reading.x, reading.y, reading.z FROM unnest(repeats) AS repeat (place)
            JOIN reading ON reading.device = devices[repeat.place] AND reading.time = times[repeat.place];
    ELSE
        -- Looking for repeats one by one takes as long again as inserting.
        INSERT INTO reading (device, time, id, x, y, z)
        SELECT * FROM unnest(devices, times, ids, xs, ys, zs);
    END IF;
    IF EXISTS (
        SELECT FROM unnest(span_devices, span_earliest, span_latest) AS span (device, earliest, latest)
        JOIN segment ON segment.device = span.device AND last_us >= earliest AND first_us <= latest)
    THEN
        RAISE EXCEPTION USING ERRCODE = 'OV001', MESSAGE = 'a segment touches the readings by now';
    END IF;
END
$$;
