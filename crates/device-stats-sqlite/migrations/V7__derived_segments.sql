-- Derived segments. The derived segment of a segment has the magnitude of each reading; the first request for magnitudes
-- creates it. Derived segments can be deleted at any time; the service computes them again. Their blocks have the same ids
-- as the blocks of segments.
CREATE TABLE derived_segment (
    segment INTEGER PRIMARY KEY,
    device INTEGER NOT NULL,
    head BLOB NOT NULL
) STRICT;

CREATE TABLE derived_block (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Also fires if a foreign key deletes a segment together with its device or user.
CREATE TRIGGER segment_takes_derived_along AFTER DELETE ON segment BEGIN
    DELETE FROM derived_segment WHERE segment = old.id;
END;

CREATE TRIGGER derived_segment_takes_blocks_along AFTER DELETE ON derived_segment BEGIN
    DELETE FROM derived_block WHERE id BETWEEN old.segment << 16 AND (old.segment << 16) + 65535;
END;
