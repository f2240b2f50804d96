-- The devices of an entry, with a checksum of their own. If the bytes of the entry are damaged, only these devices are
-- concerned. NULL in entries that were inserted before this migration.
ALTER TABLE journal ADD COLUMN devices BLOB;
