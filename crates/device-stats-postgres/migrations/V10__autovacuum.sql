-- Readings and keyed requests pass through their tables like queues, and merges replace segments. By default, a table is
-- vacuumed after changes to a fifth of its rows. For a queue, this fifth depends on its length at the last vacuum, and for
-- segments, it is a fifth of all data. So these tables are vacuumed after a number of rows that is small in comparison, and
-- without pauses if rows are deleted as fast as they can be inserted.
ALTER TABLE reading SET (
    autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 20000, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE keyed_request SET (
    autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_threshold = 20000, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE segment SET (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE segment_block SET (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE derived_segment SET (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE derived_block SET (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
