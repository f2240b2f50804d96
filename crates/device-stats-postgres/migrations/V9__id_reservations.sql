-- The last reservation of reading ids of each running service. A service (node) names itself by a random number. An append
-- checks the reservation of its node. If it is missing, an older copy of the database has replaced the one that the node
-- has used, and other nodes may get the same ids.
CREATE TABLE id_reservation (
    node bigint PRIMARY KEY,
    -- The first id after the reserved ones.
    until bigint NOT NULL
);

-- Fails if the database does not know of a reservation. NULL stands for a node that has reserved nothing.
CREATE FUNCTION require_reservation(of_node bigint, reserved_until bigint) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF of_node IS NOT NULL
        AND NOT EXISTS (SELECT FROM id_reservation WHERE node = of_node AND until >= reserved_until)
    THEN
        RAISE EXCEPTION USING ERRCODE = 'RS001',
            MESSAGE = 'the database does not know of a reservation of reading ids, because it is an older copy';
    END IF;
END
$$;

DROP FUNCTION append_untouched(
    bigint[], bigint[], bigint[], double precision[], double precision[], double precision[],
    boolean, bigint[], bigint[], bigint[]);

-- Appends readings in one statement, and therefore in one transaction, if no segment touches them and the database knows
-- of the reservation of their ids. Returns the position of each repeat, counted from 1, and the values of the stored
-- reading.
--
-- Each device has one span of time. If a segment touches a span, the function does nothing and returns one row of NULLs. If
-- all readings must be new (`all_new`), a stored reading in a span has the same effect.
--
-- The function inserts first and searches for segments afterwards. Each statement of the function sees everything that was
-- committed before this statement. A row can be missing during the insertion or the reading of values because a seal has
-- deleted it; the search then sees the segment of this seal. If the search finds a segment, or if another call has stored
-- one of the readings since the first search, the function fails and everything is undone.
--
-- Each session plans a statement once, maybe while the tables are empty. LATERAL with LIMIT or OFFSET allows only one plan:
-- a lookup in the index for each row.
CREATE FUNCTION append_reserved(
    of_node bigint, reserved_until bigint,
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
    PERFORM require_reservation(of_node, reserved_until);
    PERFORM FROM devices WHERE id = ANY (span_devices) ORDER BY id FOR KEY SHARE;
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
        CROSS JOIN LATERAL (
            SELECT FROM segment
            WHERE segment.device = span.device AND last_us >= earliest AND first_us <= latest LIMIT 1) AS touching)
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
            SELECT repeat.place, found.x, found.y, found.z FROM unnest(repeats) AS repeat (place)
            CROSS JOIN LATERAL (
                SELECT reading.x, reading.y, reading.z FROM reading
                WHERE reading.device = devices[repeat.place] AND reading.time = times[repeat.place]
                OFFSET 0) AS found;
    ELSE
        -- A search for each repeat would double the time of the insertion.
        INSERT INTO reading (device, time, id, x, y, z)
        SELECT * FROM unnest(devices, times, ids, xs, ys, zs);
    END IF;
    IF EXISTS (
        SELECT FROM unnest(span_devices, span_earliest, span_latest) AS span (device, earliest, latest)
        CROSS JOIN LATERAL (
            SELECT FROM segment
            WHERE segment.device = span.device AND last_us >= earliest AND first_us <= latest LIMIT 1) AS touching)
    THEN
        RAISE EXCEPTION USING ERRCODE = 'OV001', MESSAGE = 'a segment touches the readings by now';
    END IF;
END
$$;
