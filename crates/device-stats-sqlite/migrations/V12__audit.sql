-- The audit log. Its rows refer to users, devices and tokens that may have been deleted, so they have no foreign keys.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Microseconds since 1970 UTC.
    time INTEGER NOT NULL,
    -- The party that caused the event: the name of its kind, the id of the user or device, the id of its token.
    actor TEXT NOT NULL,
    actor_id INTEGER,
    actor_token INTEGER,
    -- Its request.
    request_id TEXT,
    address TEXT,
    action TEXT NOT NULL,
    -- The object of the event.
    user_id INTEGER,
    username TEXT,
    device INTEGER,
    device_id TEXT,
    token INTEGER,
    -- A JSON object.
    details TEXT NOT NULL
) STRICT;

-- Finds expired rows.
CREATE INDEX audit_by_time ON audit (time);

CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit BEGIN
    SELECT raise(ABORT, 'rows of the audit log are not changed');
END;
