-- Derived segments. The derived segment of a segment has the magnitude of each reading; the first request for magnitudes
-- creates it. Derived segments can be deleted at any time; the service computes them again. Both tables can be distributed
-- by device, like the segments.
CREATE TABLE derived_segment (
    device bigint NOT NULL,
    segment bigint NOT NULL,
    head bytea NOT NULL,
    CONSTRAINT derived_segment_by_segment PRIMARY KEY (device, segment),
    CONSTRAINT derived_segment_segment_references
        FOREIGN KEY (device, segment) REFERENCES segment (device, id) ON DELETE CASCADE
);

ALTER TABLE derived_segment ALTER COLUMN head SET STORAGE EXTERNAL;

CREATE TABLE derived_block (
    device bigint NOT NULL,
    segment bigint NOT NULL,
    block integer NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT derived_block_by_segment PRIMARY KEY (device, segment, block),
    CONSTRAINT derived_block_derived_segment_references
        FOREIGN KEY (device, segment) REFERENCES derived_segment (device, segment) ON DELETE CASCADE
);

ALTER TABLE derived_block ALTER COLUMN bytes SET STORAGE EXTERNAL;
