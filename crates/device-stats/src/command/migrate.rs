//! `device-stats migrate`: updates the schema without a server.

use std::fmt::Write;

use serde_json::json;

use super::results;
use crate::database;
use crate::settings::Settings;

/// Applies missing migrations and prints their names.
///
/// # Errors
/// If the database cannot be reached or migrated.
pub(super) async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    let applied = database::migrate(settings).await?;
    let database = settings.database.to_string();
    results::print(settings.output, &json!({ "database": database, "applied": applied }), || {
        let mut text = String::new();
        for name in &applied {
            writeln!(text, "applied {name}")?;
        }
        match applied.len() {
            0 => writeln!(text, "{database} is up to date")?,
            1 => writeln!(text, "{database} is up to date now, 1 migration applied")?,
            count => writeln!(text, "{database} is up to date now, {count} migrations applied")?,
        }
        Ok(text)
    })
}
