//! Bringing the tables of a database server up to date while other nodes work on them.
//!
//! Migrations of one number are applied together, in a transaction of their own, so that no table is held for longer than
//! its own change takes. A change waits a second for a table that somebody uses: whoever comes behind it waits as long, and
//! no longer. If a long read holds it, such as a backup, everybody is let pass, and it is tried again.

use std::time::Duration;

use crate::{
    dialect::{Session, table_text},
    error::{Result, StoreError},
    migrate::{self, Kind, Known, Migration},
};

/// How long a change waits for a table.
const LOCK_MAX: &str = "SET LOCAL lock_timeout = '1s'";
/// How long others are let pass before the next try.
const PAUSE: Duration = Duration::from_secs(1);
/// Tries before the start is given up: some ten minutes.
const TRIES_MAX: u32 = 300;

/// Applies the migrations that this database has not seen. Several nodes may do so at once.
pub(crate) async fn bring_up_to_date(session: &mut Session, known: Known) -> Result<()> {
    session.make_table(&table_text(migrate::TABLE)).await?;
    let mut tries = 0;
    loop {
        let missing = missing(session, known).await?;
        let Some(next) = missing.first() else { return Ok(()) };
        match step(session, known).await {
            Ok(()) => tries = 0,
            Err(error) => {
                session.run("ROLLBACK").await?;
                tries += 1;
                if !matches!(error, StoreError::Contended) || tries == TRIES_MAX {
                    return Err(StoreError::Migration { name: next.name.to_owned(), source: Box::new(error) });
                }
                tracing::warn!(
                    migration = next.name,
                    tries,
                    "migration {} lets others pass: they use its tables",
                    next.name
                );
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn missing(session: &mut Session, known: Known) -> Result<Vec<&'static Migration>> {
    let seen = session.rows(&migrate::applied(), migrate::read_applied).await?;
    migrate::missing(known, Kind::Postgres, &seen)
}

/// Applies the first of the missing numbers; all of them where there is nothing yet, and so nobody.
async fn step(session: &mut Session, known: Known) -> Result<()> {
    session.run("BEGIN").await?;
    session.run(LOCK_MAX).await?;
    // Whoever comes second finds it done.
    session.run("LOCK TABLE migrations IN EXCLUSIVE MODE").await?;
    let seen = session.rows(&migrate::applied(), migrate::read_applied).await?;
    let missing = migrate::missing(known, Kind::Postgres, &seen)?;
    let together = if seen.is_empty() { missing.as_slice() } else { migrate::first_number(&missing) };
    if !seen.is_empty() {
        // What others write to a table after it was copied and before it is dropped would be lost.
        for table in together.iter().flat_map(|migration| migration.dropped()) {
            session.run(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await?;
        }
    }
    for migration in together {
        for statement in migration.statements() {
            session.run(&table_text(statement)).await?;
        }
        session.execute(&migration.keep()).await?;
    }
    session.run("COMMIT").await?;
    for migration in together {
        tracing::info!(migration = migration.name, "applied migration {}", migration.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;
    use crate::{
        dialect::Address,
        testing::{self, fresh_schema, look},
    };

    /// Returns an address with the tables of an earlier schema; nothing where there is no server.
    async fn earlier(number: u32) -> Option<String> {
        let url = fresh_schema(&testing::server()?).await.unwrap();
        drop(testing::connect_until(&url, number).await.unwrap());
        Some(url)
    }

    async fn owner(url: &str) -> Session {
        Session::owner(&Address::parse(url).unwrap()).await.unwrap()
    }

    /// Returns once somebody waits for the table.
    async fn waited_for(url: &str, table: &str) {
        let waiting =
            format!("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = CAST('{table}' AS regclass)");
        while look(url, &waiting).await.unwrap().concat() != ["1"] {}
    }

    const OTHER: &str = "INSERT INTO cases (scope_id, case_id, reference_id, reference_key, title_id, case_type, status, \
        origin, line_id, owner_id, jurisdiction, urgent, due_at, received_at, since, revision, changed_after_agreement) \
        VALUES ('eng_1', 'case_1', 'r', 'r', 't', 'c', 'ready', 'witnessed', NULL, 'o', 'GB', FALSE, 1, 1, 1, 1, FALSE)";

    #[tokio::test]
    async fn what_others_write_while_a_table_is_made_anew_is_in_the_new_one() {
        let Some(url) = earlier(7).await else { return };
        let other = owner(&url).await;
        other.run("BEGIN").await.unwrap();
        other.run(OTHER).await.unwrap();
        let address = url.clone();
        let upgraded = tokio::spawn(async move { bring_up_to_date(&mut owner(&address).await, migrate::own()).await });
        waited_for(&url, "cases").await;
        other.run("COMMIT").await.unwrap();
        upgraded.await.unwrap().unwrap();
        assert_eq!(look(&url, "SELECT case_id, showing FROM cases").await.unwrap(), [["case_1", "f"]]);
    }

    #[tokio::test]
    async fn a_table_that_others_hold_is_waited_for_and_never_longer_than_a_second_at_a_time() {
        let Some(url) = earlier(7).await else { return };
        let other = owner(&url).await;
        other.run("BEGIN").await.unwrap();
        other.run("SELECT COUNT(*) FROM cases").await.unwrap();
        let address = url.clone();
        let upgraded = tokio::spawn(async move { bring_up_to_date(&mut owner(&address).await, migrate::own()).await });
        waited_for(&url, "cases").await;
        // It stands behind the change in the queue, and yet comes through while the read before both goes on.
        let third = owner(&url).await;
        third.run("SET lock_timeout = '3s'").await.unwrap();
        third.run(OTHER).await.unwrap();
        assert!(!upgraded.is_finished());
        other.run("COMMIT").await.unwrap();
        upgraded.await.unwrap().unwrap();
        assert_eq!(look(&url, "SELECT case_id FROM cases").await.unwrap(), [["case_1"]]);
    }

    #[tokio::test]
    async fn a_migration_that_fails_is_named_and_leaves_nothing() {
        let Some(url) = earlier(14).await else { return };
        let error = bring_up_to_date(&mut owner(&url).await, migrate::failing()).await.unwrap_err();
        assert!(matches!(&error, StoreError::Migration { name, .. } if name == migrate::FAILING), "{error:?}");
        let there = "SELECT COUNT(*) FROM information_schema.columns \
            WHERE table_schema = current_schema() AND column_name = 'half_done'";
        assert_eq!(look(&url, there).await.unwrap(), [["0"]]);
        // What came before it stays: nodes live with what only widens. The next start goes on from there.
        let again = bring_up_to_date(&mut owner(&url).await, migrate::failing()).await.unwrap_err();
        assert!(matches!(&again, StoreError::Migration { name, .. } if name == migrate::FAILING), "{again:?}");
    }
}
