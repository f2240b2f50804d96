-- What became of requests that name themselves by a key, so that one that is sent again is not done again. The device, the
-- id and the time are those of the first reading that it stored. Times are in microseconds since 1970 UTC.
CREATE TABLE keyed_request (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    kept_until INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    repeats INTEGER NOT NULL,
    device INTEGER,
    reading INTEGER,
    time INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX keyed_request_by_end ON keyed_request (kept_until);
