//! Free pages of the file. A deletion leaves free pages, which later data use. If there are many, they are
//! returned to the file system: SQLite moves pages from the end of the file to free ones, and truncates the
//! file.
//!
//! This needs `auto_vacuum=INCREMENTAL`, which has an effect only if it is set before the first table is
//! created. A database that was created without it keeps its free pages for later data.

use rusqlite::{Connection, Result};

use crate::limits::FREE_PAGES_KEPT;

/// `INCREMENTAL` as SQLite returns it.
const INCREMENTAL: i64 = 2;

/// Makes it possible to return free pages of a database that is created now.
pub(crate) fn enable_return(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")
}

/// Returns whether the file has more free pages than it keeps. The others are returned to the file system.
pub(crate) fn has_excess(connection: &Connection) -> Result<bool> {
    let free = pragma(connection, "PRAGMA freelist_count")?;
    if free <= i64::from(FREE_PAGES_KEPT) {
        return Ok(false);
    }
    let used = pragma(connection, "PRAGMA page_count")? - free;
    Ok(free > used / 4 && pragma(connection, "PRAGMA auto_vacuum")? == INCREMENTAL)
}

/// Returns up to this number of free pages.
pub(crate) fn release(connection: &Connection, pages: u32) -> Result<()> {
    let mut release = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    // Each step returns one page.
    let mut steps = release.query([])?;
    while steps.next()?.is_some() {}
    Ok(())
}

fn pragma(connection: &Connection, pragma: &str) -> Result<i64> {
    connection.prepare_cached(pragma)?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::open::migrate;

    #[test]
    fn one_call_returns_at_most_the_given_number_of_pages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        migrate(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        let insert =
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1500)
            INSERT INTO segment_block SELECT n, zeroblob(16384) FROM numbers";
        connection.execute_batch(insert).unwrap();
        assert!(!has_excess(&connection).unwrap());
        connection.execute_batch("DELETE FROM segment_block").unwrap();
        assert!(has_excess(&connection).unwrap());
        let free = || pragma(&connection, "PRAGMA freelist_count").unwrap();
        let pages = || pragma(&connection, "PRAGMA page_count").unwrap();
        let before = (free(), pages());
        release(&connection, 100).unwrap();
        assert_eq!(before.0 - free(), 100);
        assert!(before.1 - pages() >= 100);
        while has_excess(&connection).unwrap() {
            release(&connection, 100).unwrap();
        }
        assert!(free() <= i64::from(FREE_PAGES_KEPT) && free() > i64::from(FREE_PAGES_KEPT) - 100);
    }
}
