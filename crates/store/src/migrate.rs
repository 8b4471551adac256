//! Migrations: which there are, and which of them a database still needs. They only move forward.
//!
//! Several nodes share a database server, and the one that is upgraded first brings its tables up to date while the others
//! go on with the build before: what they do must still be right. So a step there only widens; a test at the end of this
//! file says what that means.

use std::sync::LazyLock;

use remit_kernel::hash::Digest;

use crate::{
    dialect::Columns,
    error::{Result, StoreError, Unreadable},
    value::Statement,
};

/// A step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// Orders the steps; kept with the digest of an applied one.
    pub(crate) name: &'static str,
    sql: &'static str,
    only: Option<Kind>,
}

/// The migrations that a build knows, in order.
pub(crate) type Known = &'static [Migration];

/// Which database a step is for, where it is not for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

macro_rules! migrations {
    ($(#[$doc:meta])* $list:ident: $($folder:literal $name:literal $only:expr;)*) => {
        $(#[$doc])*
        const $list: &[Migration] = &[$(Migration {
            name: $name,
            sql: include_str!(concat!("../migrations/", $folder, "/", $name, ".sql")),
            only: $only,
        }),*];
    };
}

migrations! {
    /// The steps in order. An applied one is never edited: its digest is kept beside its name.
    MIGRATIONS:
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

migrations! {
    /// What a build to come might add: upgrades while others work are tested with it.
    TO_COME:
    "to_come" "9001_widened" None;
    "to_come" "9002_table" None;
    "to_come" "9002_table_walls" Some(Kind::Postgres);
    "to_come" "9003_filled" None;
}

/// Returns the migrations of this build.
pub(crate) fn own() -> Known {
    MIGRATIONS
}

/// Returns the migrations of an earlier build, which knew them up to this number.
pub(crate) fn until(number: u32) -> Known {
    let later = MIGRATIONS.iter().position(|migration| migration.number() > number);
    MIGRATIONS.get(..later.unwrap_or(MIGRATIONS.len())).unwrap_or_default()
}

/// Returns the migrations of this build and of one to come.
pub(crate) fn to_come() -> Known {
    static ALL: LazyLock<Vec<Migration>> = LazyLock::new(|| [MIGRATIONS, TO_COME].concat());
    &ALL
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

/// Returns which of the known migrations a database of this kind still needs, having seen these.
///
/// [`StoreError::Newer`] if it has seen one that is unknown here, [`StoreError::MigrationChanged`] if one was edited.
pub(crate) fn missing(known: Known, kind: Kind, seen: &[(String, Digest)]) -> Result<Vec<&'static Migration>> {
    if let Some((name, _)) = seen.iter().find(|(name, _)| known.iter().all(|known| known.name != name)) {
        return Err(StoreError::Newer { name: name.clone() });
    }
    let mut missing = Vec::new();
    for migration in known.iter().filter(|migration| migration.only.is_none_or(|only| only == kind)) {
        match seen.iter().find(|(known, _)| known == migration.name) {
            Some((_, known)) if *known == migration.digest() => {}
            Some(_) => return Err(StoreError::MigrationChanged { name: migration.name.to_owned() }),
            None => missing.push(migration),
        }
    }
    Ok(missing)
}

/// Returns those of the first number: a table and the wall around it belong together.
pub(crate) fn first_number<'m>(missing: &'m [&'static Migration]) -> &'m [&'static Migration] {
    missing.chunk_by(|one, next| one.number() == next.number()).next().unwrap_or_default()
}

impl Migration {
    fn number(&self) -> u32 {
        self.name.split('_').next().and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }

    fn digest(&self) -> Digest {
        Digest::of(self.sql.as_bytes())
    }

    /// Returns its statements, to be run one at a time.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.sql.split_inclusive(";\n").filter(|statement| !statement.trim().is_empty())
    }

    /// Returns the tables that it drops, having copied them.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = &'static str> {
        self.statements().filter_map(|statement| {
            statement.lines().find_map(|line| line.strip_prefix("DROP TABLE "))?.trim().strip_suffix(';')
        })
    }

    /// Keeps that it was applied.
    pub(crate) fn keep(&self) -> Statement {
        Statement { sql: APPLY, values: values![self.name, self.digest()] }
    }
}

/// The name of the last migration of [`failing`].
#[cfg(test)]
pub(crate) const FAILING: &str = "9002_fails";

/// Returns the migrations of this build, one that widens, and one that fails half-way.
#[cfg(test)]
pub(crate) fn failing() -> Known {
    const BROKEN: &[Migration] = &[
        Migration { name: "9001_widens", sql: "ALTER TABLE cases ADD COLUMN widened BIGINT;\n", only: None },
        Migration {
            name: FAILING,
            sql: "ALTER TABLE cases ADD COLUMN half_done BIGINT;\nALTER TABLE nothing ADD COLUMN never BIGINT;\n",
            only: None,
        },
    ];
    static ALL: LazyLock<Vec<Migration>> = LazyLock::new(|| [MIGRATIONS, BROKEN].concat());
    &ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From here on nodes of the build before work on while a step is applied. Those before were made before there was one.
    const RULED_FROM: u32 = 16;

    /// Returns what a step does that a node of the build before could not live with, or that holds a table for long.
    fn breach(migration: &Migration) -> Option<String> {
        // What an earlier release stopped using may go; the name says so.
        if migration.only == Some(Kind::Sqlite) || migration.name.ends_with("_narrowed") {
            return None;
        }
        let plain = |statement: &str| {
            let lines = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
            lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
        };
        let statements: Vec<String> = migration.statements().map(plain).collect();
        let made = |table: &str| statements.iter().any(|sql| sql.starts_with(&format!("CREATE TABLE {table} (")));
        let narrows = |sql: &str| {
            let words: Vec<&str> = sql.split(' ').collect();
            match words.as_slice() {
                ["CREATE", "TABLE" | "INDEX" | "POLICY", ..]
                | ["GRANT" | "INSERT" | "UPDATE", ..]
                | ["ALTER", "TABLE", _, "ENABLE", "ROW", "LEVEL", "SECURITY;"] => false,
                // Rows that the build before writes might not be unique.
                ["CREATE", "UNIQUE", "INDEX", _, "ON", table, ..] => !made(table),
                ["ALTER", "TABLE", _, "ADD", "COLUMN", ..] => sql.contains("NOT NULL") && !sql.contains(" DEFAULT "),
                // A wider check takes the place of the old one; rows that passed that need no reading.
                ["ALTER", "TABLE", _, "DROP", "CONSTRAINT", name] => !statements
                    .iter()
                    .any(|sql| sql.contains(&format!("ADD CONSTRAINT {}", name.trim_end_matches(';')))),
                ["ALTER", "TABLE", _, "ADD", "CONSTRAINT", ..] => !sql.ends_with("NOT VALID;"),
                _ => true,
            }
        };
        if let Some(narrow) = statements.iter().find(|sql| narrows(sql)) {
            return Some(format!("{}: `{narrow}` does not only widen", migration.name));
        }
        let fills = |sql: &&String| sql.starts_with("UPDATE ") || sql.starts_with("INSERT ");
        let (filling, rest) = (statements.iter().any(|sql| fills(&sql)), statements.iter().any(|sql| !fills(&sql)));
        (filling && rest).then(|| format!("{}: what is filled has a number of its own", migration.name))
    }

    #[test]
    fn steps_only_widen_so_that_nodes_of_the_build_before_work_on() {
        let ruled = to_come().iter().filter(|migration| migration.number() >= RULED_FROM);
        assert_eq!(ruled.filter_map(breach).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn what_a_node_of_the_build_before_could_not_live_with_is_found() {
        for sql in [
            "DROP TABLE cases;\n",
            "ALTER TABLE cases DROP COLUMN origin;\n",
            "ALTER TABLE cases RENAME COLUMN origin TO source;\n",
            "ALTER TABLE cases ADD COLUMN late BIGINT NOT NULL;\n",
            "ALTER TABLE cases ADD CONSTRAINT late CHECK (due_at > 0);\n",
            "ALTER TABLE cases DROP CONSTRAINT cases_status_check;\n",
            "CREATE UNIQUE INDEX one ON cases (scope_id, title_id);\n",
            "DELETE FROM cases;\n",
            "ALTER TABLE cases ADD COLUMN late BIGINT;\nUPDATE cases SET late = due_at;\n",
        ] {
            let bad = Migration { name: "9001_bad", sql, only: None };
            assert!(breach(&bad).is_some(), "{sql}");
        }
        let narrowed = Migration { name: "9002_narrowed", sql: "DROP TABLE cases;\n", only: None };
        assert_eq!(breach(&narrowed), None);
    }

    #[test]
    fn an_earlier_build_knew_what_came_before_and_steps_of_one_number_belong_together() {
        assert_eq!(until(4).iter().map(|known| known.name).max(), Some("0004_index"));
        assert_eq!(until(9_999).len(), own().len());
        let later: Vec<&Migration> = own().iter().filter(|known| known.number() > 7).collect();
        let names: Vec<&str> = first_number(&later).iter().map(|known| known.name).collect();
        assert_eq!(names, ["0008_review", "0008_review_walls"]);
        assert_eq!(later[0].dropped().collect::<Vec<_>>(), ["cases", "duties"]);
    }
}
