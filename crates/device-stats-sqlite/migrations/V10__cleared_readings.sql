-- From this version on, the journal has entries of kind 5: the readings of a device in a period were deleted. Earlier
-- builds take such an entry for damaged, so they must refuse the database. The tables do not change.
SELECT 1;
