//! Migrations: which there are, and which of them a database still needs. They only move forward.

use remit_kernel::hash::Digest;

use crate::{
    dialect::Columns,
    error::{Result, StoreError, Unreadable},
    value::Statement,
};

/// A step of the schema.
pub(crate) struct Migration {
    /// Orders the steps; kept with the digest of an applied one.
    pub(crate) name: &'static str,
    sql: &'static str,
    only: Option<Kind>,
}

/// Which database a step is for, where it is not for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

macro_rules! migrations {
    ($($folder:literal $name:literal $only:expr;)*) => {
        /// The steps in order. An applied one is never edited: its digest is kept beside its name.
        const MIGRATIONS: &[Migration] = &[$(Migration {
            name: $name,
            sql: include_str!(concat!("../migrations/", $folder, "/", $name, ".sql")),
            only: $only,
        }),*];
    };
}

migrations! {
    "shared" "0001_record" None;
    "shared" "0002_work" None;
    "shared" "0003_sign_in" None;
    "shared" "0004_index" None;
    "shared" "0005_leases" None;
    "postgres" "0006_walls" Some(Kind::Postgres);
    "sqlite" "0007_outvoted" Some(Kind::Sqlite);
    "postgres" "0007_outvoted_check" Some(Kind::Postgres);
    "shared" "0008_review" None;
    "postgres" "0008_review_walls" Some(Kind::Postgres);
    "shared" "0009_gold" None;
    "postgres" "0009_gold_walls" Some(Kind::Postgres);
    "shared" "0009_gold_calibration" None;
    "postgres" "0009_gold_calibration_walls" Some(Kind::Postgres);
    "shared" "0009_gold_precedents" None;
    "postgres" "0009_gold_precedents_walls" Some(Kind::Postgres);
    "shared" "0010_figures" None;
    "sqlite" "0011_figures_filled" Some(Kind::Sqlite);
    "postgres" "0011_figures_walls" Some(Kind::Postgres);
    "shared" "0012_alarms" None;
    "postgres" "0012_alarms_walls" Some(Kind::Postgres);
    "shared" "0013_spared" None;
    "sqlite" "0013_spared_filled" Some(Kind::Sqlite);
    "postgres" "0013_spared_filled" Some(Kind::Postgres);
    "shared" "0014_counts" None;
    "shared" "0015_twin" None;
}

/// Makes the table of applied migrations.
pub(crate) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY, digest TEXT NOT NULL)";

statements! {
    APPLIED = "SELECT name, digest FROM migrations ORDER BY name";
    APPLY = "INSERT INTO migrations (name, digest) VALUES ($1, $2)";
}

/// Asks which migrations a database has seen.
pub(crate) fn applied() -> Statement {
    Statement { sql: APPLIED, values: values![] }
}

/// Reads a row of that answer.
pub(crate) fn read_applied(columns: &mut Columns<'_>) -> std::result::Result<(String, Digest), Unreadable> {
    Ok((columns.take()?, columns.take()?))
}

/// Returns the migrations that a database of this kind still needs, having seen these.
///
/// [`StoreError::Newer`] if it has seen one that is unknown here, [`StoreError::MigrationChanged`] if one was edited.
pub(crate) fn missing(kind: Kind, seen: &[(String, Digest)]) -> Result<Vec<&'static Migration>> {
    if let Some((name, _)) = seen.iter().find(|(name, _)| MIGRATIONS.iter().all(|known| known.name != name)) {
        return Err(StoreError::Newer { name: name.clone() });
    }
    let mut missing = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| migration.only.is_none_or(|only| only == kind)) {
        match seen.iter().find(|(known, _)| known == migration.name) {
            Some((_, known)) if *known == migration.digest() => {}
            Some(_) => return Err(StoreError::MigrationChanged { name: migration.name.to_owned() }),
            None => missing.push(migration),
        }
    }
    Ok(missing)
}

impl Migration {
    fn digest(&self) -> Digest {
        Digest::of(self.sql.as_bytes())
    }

    /// Returns its statements, to be run one at a time.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.sql.split_inclusive(";\n").filter(|statement| !statement.trim().is_empty())
    }

    /// Keeps that it was applied.
    pub(crate) fn keep(&self) -> Statement {
        Statement { sql: APPLY, values: values![self.name, self.digest()] }
    }
}
