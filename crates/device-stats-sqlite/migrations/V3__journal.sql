-- What became of hot readings, commit by commit: each row says which came, which were sealed and which went with their
-- device. What is hot is what the rows say together, in order. AUTOINCREMENT: positions have no gaps and none is given
-- twice, so who has read up to one of them needs only what is behind it. The kinds and the bytes are described where they
-- are read and written.
CREATE TABLE journal (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
