-- Number of repeats of a keyed request whose values differ from those of the stored reading. It is 0 for requests before
-- this migration, which did not count such repeats.
ALTER TABLE keyed_request ADD COLUMN conflicts bigint NOT NULL DEFAULT 0;

DROP FUNCTION append_untouched(
    bigint[], bigint[], bigint[], double precision[], double precision[], double precision[],
    boolean, bigint[], bigint[], bigint[]);

-- Appends readings in one statement, and therefore in one transaction, if no segment touches them. Returns the position of
-- each repeat, counted from 1, and the values of the stored reading.
--
-- Each device has one span of time. If a segment touches a span, the function does nothing and returns one row of NULLs. If
-- all readings must be new (`all_new`), a stored reading in a span has the same effect.
--
-- The function inserts first and searches for segments afterwards. Each statement of the function sees everything that was
-- committed before this statement. A row can be missing during the insertion or the reading of values because a seal has
-- deleted it; the search then sees the segment of this seal. If the search finds a segment, or if another call has stored
-- one of the readings since the first search, the function fails and everything is undone.
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
        -- A search for each repeat would double the time of the insertion.
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
