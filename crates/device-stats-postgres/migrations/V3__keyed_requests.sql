-- What became of requests that name themselves by a key, so that one that is sent again is not done again. The device, the
-- id and the time are those of the first reading that it stored. Times are in microseconds since 1970 UTC.
CREATE TABLE keyed_request (
    key text COLLATE "C" PRIMARY KEY,
    fingerprint bytea NOT NULL,
    kept_until bigint NOT NULL,
    stored bigint NOT NULL,
    repeats bigint NOT NULL,
    device bigint,
    reading bigint,
    time bigint
);

CREATE INDEX keyed_request_by_end ON keyed_request (kept_until);
