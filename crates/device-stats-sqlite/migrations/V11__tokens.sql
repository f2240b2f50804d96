-- Access tokens, without their secrets. `holder` is the kind of holder. It is a column of its own, because a lost `user_id`
-- or `device` must not turn a token into one of an administrator.
CREATE TABLE token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- SHA-256 of the token.
    hash BLOB NOT NULL UNIQUE,
    -- Beginning of the token, which people may see.
    prefix TEXT NOT NULL,
    holder TEXT NOT NULL CHECK (holder IN ('administrator', 'user', 'device')),
    user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
    device INTEGER REFERENCES devices (id) ON DELETE CASCADE,
    -- Names of scopes, separated by commas.
    scopes TEXT NOT NULL,
    name TEXT,
    -- Times in microseconds since 1970 UTC.
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    CHECK ((holder = 'user') = (user_id IS NOT NULL)),
    CHECK ((holder = 'device') = (device IS NOT NULL))
) STRICT;

CREATE INDEX token_of_administrators ON token (id) WHERE holder = 'administrator';
CREATE INDEX token_by_user ON token (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX token_by_device ON token (device) WHERE device IS NOT NULL;

-- Sessions of browsers that have signed in with a token.
CREATE TABLE session (
    -- SHA-256 of the secret in the cookie.
    hash BLOB NOT NULL PRIMARY KEY,
    token INTEGER NOT NULL REFERENCES token (id) ON DELETE CASCADE,
    -- Times in microseconds since 1970 UTC.
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_by_token ON session (token, created_at);
