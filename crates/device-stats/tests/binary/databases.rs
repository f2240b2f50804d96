//! Test databases of both kinds, and ways to corrupt their contents.

use device_stats_postgres::testing;
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Name of an SQLite file.
const FILE: &str = "test.db";

/// The database of a test.
pub(crate) struct Database {
    pub(crate) url: String,
    kind: Kind,
}

enum Kind {
    /// A file in a temporary folder.
    Sqlite(TempDir),
    Postgres,
}

/// Creates a PostgreSQL database.
pub(crate) fn postgres() -> Database {
    Database { url: testing::fresh_database(), kind: Kind::Postgres }
}

/// Runs a case with a new SQLite database, then with a new PostgreSQL database.
pub(crate) fn over_both_stores(case: impl Fn(&Database)) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join(FILE).display());
    case(&Database { url, kind: Kind::Sqlite(folder) });
    case(&postgres());
}

impl Database {
    /// Executes a statement directly, and returns the number of changed rows.
    pub(crate) fn execute(&self, statement: &str) -> u64 {
        match &self.kind {
            Kind::Sqlite(folder) => sqlite(folder).execute(statement, []).unwrap() as u64,
            Kind::Postgres => self.postgres(statement),
        }
    }

    /// Returns the number of rows in a table.
    pub(crate) fn rows(&self, table: &str) -> i64 {
        let select = format!("SELECT count(*) FROM {table}");
        match &self.kind {
            Kind::Sqlite(folder) => sqlite(folder).query_row(&select, [], |row| row.get(0)).unwrap(),
            Kind::Postgres => in_runtime(async {
                let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
                tokio::spawn(connection);
                client.query_one(&select, &[]).await.unwrap().get(0)
            }),
        }
    }

    /// Returns whether the database contains a text in any place. With SQLite, stop the server first.
    pub(crate) fn contains(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Sqlite(folder) => std::fs::read_dir(folder.path()).unwrap().any(|file| {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                bytes.windows(text.len()).any(|window| window == text.as_bytes())
            }),
            Kind::Postgres => in_runtime(async {
                let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
                tokio::spawn(connection);
                let tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'";
                let mut is_found = false;
                for table in client.query(tables, &[]).await.unwrap() {
                    let table: String = table.get(0);
                    // Bytes are shown in hexadecimal digits.
                    let select = format!(
                        "SELECT EXISTS (SELECT FROM {table} t WHERE strpos(t::text, $1) > 0
                         OR strpos(t::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0)"
                    );
                    is_found |= client.query_one(&select, &[&text]).await.unwrap().get::<_, bool>(0);
                }
                is_found
            }),
        }
    }

    /// Returns the table of the hot readings.
    pub(crate) fn hot_table(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite(_) => "journal",
            Kind::Postgres => "reading",
        }
    }

    /// Flips a bit in the first block of each segment of a device.
    pub(crate) fn flip_bit(&self, device: &str) {
        match &self.kind {
            Kind::Sqlite(folder) => {
                let connection = sqlite(folder);
                let mut blocks = connection
                    .prepare(
                        "SELECT b.id, b.bytes FROM segment_block b JOIN segment s ON b.id = s.id << 16
                         JOIN devices d ON d.id = s.device WHERE d.device_id = ?",
                    )
                    .unwrap();
                let blocks = blocks.query_map([device], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                let blocks: Vec<(i64, Vec<u8>)> = blocks.map(Result::unwrap).collect();
                assert!(!blocks.is_empty());
                for (id, mut bytes) in blocks {
                    bytes[10] ^= 1;
                    let update = "UPDATE segment_block SET bytes = ? WHERE id = ?";
                    assert_eq!(connection.execute(update, rusqlite::params![bytes, id]).unwrap(), 1);
                }
            }
            Kind::Postgres => {
                let changed = self.postgres(&format!(
                    "UPDATE segment_block SET bytes = set_byte(bytes, 10, get_byte(bytes, 10) # 1)
                     WHERE block = 0 AND device = (SELECT id FROM devices WHERE device_id = '{device}')",
                ));
                assert!(changed > 0);
            }
        }
    }

    /// Adds a hot reading at the time of a sealed one.
    pub(crate) fn duplicate_reading(&self, device: &str, time_us: i64) {
        match &self.kind {
            Kind::Sqlite(folder) => {
                let connection = sqlite(folder);
                let select = "SELECT id FROM devices WHERE device_id = ?";
                let device: i64 = connection.query_row(select, [device], |row| row.get(0)).unwrap();
                let words = [device, time_us, 1].map(i64::to_le_bytes);
                let numbers = [1.0, 2.0, 3.0].map(f64::to_le_bytes);
                let mut bytes = [words, numbers].as_flattened().as_flattened().to_vec();
                bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
                let insert = "INSERT INTO journal (kind, bytes) VALUES (1, ?)";
                assert_eq!(connection.execute(insert, [bytes]).unwrap(), 1);
            }
            Kind::Postgres => {
                let device = format!("(SELECT id FROM devices WHERE device_id = '{device}')");
                let row = format!("({device}, {time_us}, 1, 1, 2, 3)");
                let insert = format!("INSERT INTO reading (device, time, id, x, y, z) VALUES {row}");
                assert_eq!(self.postgres(&insert), 1);
            }
        }
    }

    /// Undoes [`Self::duplicate_reading`].
    pub(crate) fn remove_duplicate(&self) {
        match &self.kind {
            Kind::Sqlite(folder) => sqlite(folder)
                .execute_batch(
                    "DELETE FROM journal WHERE position = (SELECT max(position) FROM journal);
                     UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'journal'",
                )
                .unwrap(),
            Kind::Postgres => assert_eq!(self.postgres("DELETE FROM reading"), 1),
        }
    }

    fn postgres(&self, statement: &str) -> u64 {
        in_runtime(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
            tokio::spawn(connection);
            client.execute(statement, &[]).await.unwrap()
        })
    }
}

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn sqlite(folder: &TempDir) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection
}
