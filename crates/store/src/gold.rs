//! Gold cases and their showings: the pool, what may be shown to whom, and what came of it.

use remit_kernel::{
    hash::Digest,
    id::{CaseId, GoldId, PersonId},
    index::{GoldRow, ShowingRow},
    time::Instant,
};

use crate::{
    Store,
    dialect::{Columns, first},
    error::{Result, Unreadable},
    index::Indexed,
    value::{Value, keys},
};

/// A case with the reference of a showing is offered to its reader all the same from so long before it is due.
const NAMESAKE_BEFORE_DUE_SECONDS: i64 = 4 * 3_600;

macro_rules! gold_columns {
    () => {
        "gold_id, pack, case_type, status, version, questions, shown, answered, passed, proposed_at"
    };
}

macro_rules! showing_columns {
    () => {
        "case_id, gold_id, person_id, stands_for, shown_at, withheld_until, closes_at, answered_at, questions, missed, \
         told, rebuttal"
    };
}

statements! {
    LIST = concat!("SELECT ", gold_columns!(), " FROM golds WHERE scope_id = $1 ORDER BY proposed_at, gold_id");
    /// Whoever held a duty on the case, or opened anything of it, knows it; so does whoever was shown it before.
    POOL = "SELECT shown, gold_id FROM golds \
        WHERE scope_id = $1 AND status = 'active' AND pack IN (SELECT key FROM json_each($2)) \
        AND NOT EXISTS (SELECT 1 FROM duties WHERE duties.scope_id = golds.scope_id \
            AND duties.case_id = golds.case_id AND duties.person_id IN (SELECT key FROM json_each($3))) \
        AND NOT EXISTS (SELECT 1 FROM showings WHERE showings.scope_id = golds.scope_id \
            AND showings.gold_id = golds.gold_id AND showings.person_id IN (SELECT key FROM json_each($3))) \
        AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.scope_id = golds.scope_id \
            AND entries.case_id = golds.case_id AND entries.decision = 'allow' \
            AND entries.actor IN (SELECT key FROM json_each($3)))";
    ACCOUNTS = "SELECT person_id FROM people WHERE scope_id = $1 AND natural_id = $2 ORDER BY person_id";
    CASES_HAD = "SELECT texts.body, cases.received_at FROM duties \
        JOIN cases ON cases.scope_id = duties.scope_id AND cases.case_id = duties.case_id \
        JOIN texts ON texts.scope_id = cases.scope_id AND texts.id = cases.reference_id \
        WHERE duties.scope_id = $1 AND duties.person_id = $2 AND texts.body IS NOT NULL LIMIT $3";
    WITHHELD = "SELECT stands_for, withheld_until, told FROM showings \
        WHERE scope_id = $1 AND person_id = $2 AND (withheld_until > $3 OR NOT told)";
    /// Which of these cases came with the very reference that a showing was given, before its reader has been told.
    NAMESAKES = "SELECT cases.case_id, cases.due_at FROM cases \
        JOIN texts ON texts.scope_id = cases.scope_id AND texts.id = cases.reference_id \
        WHERE cases.scope_id = $1 AND cases.case_id IN (SELECT key FROM json_each($2)) \
        AND texts.body IN (SELECT named.body FROM showings \
            JOIN cases AS shown ON shown.scope_id = showings.scope_id AND shown.case_id = showings.case_id \
            JOIN texts AS named ON named.scope_id = shown.scope_id AND named.id = shown.reference_id \
            WHERE showings.scope_id = $1 AND showings.person_id = $3 AND NOT showings.told)";
    /// Reading duties on live cases, by person. A person's own showings are counted by whoever asks.
    READ_SINCE = "SELECT duties.person_id, COUNT(*) FROM duties \
        JOIN cases ON cases.scope_id = duties.scope_id AND cases.case_id = duties.case_id \
        WHERE duties.scope_id = $1 AND duties.duty = 'read' AND duties.taken_at >= $2 \
        AND NOT cases.showing AND cases.origin = 'witnessed' GROUP BY duties.person_id ORDER BY duties.person_id";
    SHOWINGS = concat!("SELECT ", showing_columns!(), " FROM showings WHERE scope_id = $1 ORDER BY shown_at, case_id");
    SHOWINGS_OF = concat!("SELECT ", showing_columns!(), " FROM showings \
        WHERE scope_id = $1 AND person_id = $2 ORDER BY shown_at, case_id");
}

impl Store {
    /// Returns the gold cases of an engagement, oldest proposal first.
    pub async fn list_golds(&self, scope: &str) -> Result<Vec<GoldRow>> {
        self.rows(LIST, values![scope], GoldRow::read).await
    }

    /// Returns gold cases in rotation for these packs that none of these accounts has got to know, least shown first.
    pub async fn gold_pool(
        &self,
        scope: &str,
        packs: &[Digest],
        accounts: &[PersonId],
        limit: u32,
    ) -> Result<Vec<GoldId>> {
        let read = |columns: &mut Columns<'_>| Ok((columns.take::<u32>()?, columns.take::<GoldId>()?));
        let mut pool = self.rows(POOL, values![scope, keys(packs), keys(accounts)], read).await?;
        pool.sort_unstable();
        Ok(pool.into_iter().map(|(_, gold)| gold).take(limit as usize).collect())
    }

    /// Returns every account of a natural person.
    pub async fn accounts_of(&self, natural: PersonId) -> Result<Vec<PersonId>> {
        self.rows(ACCOUNTS, values!["dir", natural], first).await
    }

    /// Returns the references of the cases that a person held a duty on, and when each came in, in no order, at most
    /// `limit`.
    pub async fn cases_had(&self, scope: &str, person: PersonId, limit: u32) -> Result<Vec<(String, Instant)>> {
        let read = |columns: &mut Columns<'_>| Ok((columns.take()?, columns.take()?));
        self.rows(CASES_HAD, values![scope, person, limit], read).await
    }

    /// Returns the cases that are not offered to a person now: those that gold stood for, and of these `cases` those that
    /// are called as a showing of hers is, unless they are due soon: somebody has to read them.
    pub async fn withheld_from(
        &self,
        scope: &str,
        person: PersonId,
        now: Instant,
        cases: &[CaseId],
    ) -> Result<Vec<CaseId>> {
        let read = |columns: &mut Columns<'_>| {
            Ok((columns.take::<CaseId>()?, columns.take::<Instant>()?, columns.take::<bool>()?))
        };
        let shown = self.rows(WITHHELD, values![scope, person, now], read).await?;
        let untold = shown.iter().any(|(.., told)| !told);
        let mut withheld: Vec<CaseId> =
            shown.into_iter().filter(|(_, until, _)| *until > now).map(|(case, ..)| case).collect();
        if untold {
            let read = |columns: &mut Columns<'_>| Ok((columns.take::<CaseId>()?, columns.take::<Instant>()?));
            let soon = now.plus_seconds(NAMESAKE_BEFORE_DUE_SECONDS);
            let namesakes = self.rows(NAMESAKES, values![scope, keys(cases), person], read).await?;
            withheld.extend(namesakes.into_iter().filter(|(_, due_at)| *due_at > soon).map(|(case, _)| case));
        }
        Ok(withheld)
    }

    /// Returns how many seats on live cases each person has taken since an instant; who took none is absent.
    pub async fn seats_taken(&self, scope: &str, since: Instant) -> Result<Vec<(PersonId, u64)>> {
        self.rows(READ_SINCE, values![scope, since], |columns| Ok((columns.take()?, columns.take()?))).await
    }

    /// Returns every showing, oldest first.
    pub async fn list_showings(&self, scope: &str) -> Result<Vec<ShowingRow>> {
        self.rows(SHOWINGS, values![scope], ShowingRow::read).await
    }

    /// Returns the showings of one person, oldest first.
    pub async fn showings_of(&self, scope: &str, person: PersonId) -> Result<Vec<ShowingRow>> {
        self.rows(SHOWINGS_OF, values![scope, person], ShowingRow::read).await
    }
}

impl Indexed for GoldRow {
    const UPSERT: &'static str = "INSERT INTO golds \
        (scope_id, gold_id, pack, case_type, status, version, questions, shown, answered, passed, proposed_at, case_id) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (scope_id, gold_id) DO UPDATE \
        SET pack = excluded.pack, case_type = excluded.case_type, status = excluded.status, \
        version = excluded.version, questions = excluded.questions, shown = excluded.shown, \
        answered = excluded.answered, passed = excluded.passed, proposed_at = excluded.proposed_at, \
        case_id = excluded.case_id";
    const DELETE: &'static str = "DELETE FROM golds WHERE scope_id = $1 AND gold_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        gold_columns!(),
        " FROM golds WHERE scope_id = $1 AND gold_id > $2 ORDER BY gold_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.gold]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.gold,
            self.pack,
            &self.case_type,
            self.status,
            self.version,
            self.questions,
            self.shown,
            self.answered,
            self.passed,
            self.proposed_at,
            self.gold.case(),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            gold: columns.take()?,
            pack: columns.take()?,
            case_type: columns.take()?,
            status: columns.take()?,
            version: columns.take()?,
            questions: columns.take()?,
            shown: columns.take()?,
            answered: columns.take()?,
            passed: columns.take()?,
            proposed_at: columns.take()?,
        })
    }
}

impl Indexed for ShowingRow {
    const UPSERT: &'static str = "INSERT INTO showings \
        (scope_id, case_id, gold_id, person_id, stands_for, shown_at, withheld_until, closes_at, answered_at, questions, \
        missed, told, rebuttal) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (scope_id, case_id) DO UPDATE \
        SET gold_id = excluded.gold_id, person_id = excluded.person_id, stands_for = excluded.stands_for, \
        shown_at = excluded.shown_at, withheld_until = excluded.withheld_until, closes_at = excluded.closes_at, \
        answered_at = excluded.answered_at, questions = excluded.questions, missed = excluded.missed, \
        told = excluded.told, rebuttal = excluded.rebuttal";
    const DELETE: &'static str = "DELETE FROM showings WHERE scope_id = $1 AND case_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        showing_columns!(),
        " FROM showings WHERE scope_id = $1 AND case_id > $2 ORDER BY case_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.case]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.case,
            self.gold,
            self.person,
            self.stands_for,
            self.shown_at,
            self.withheld_until,
            self.closes_at,
            self.answered_at,
            self.questions,
            self.missed,
            self.told,
            self.rebuttal,
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            case: columns.take()?,
            gold: columns.take()?,
            person: columns.take()?,
            stands_for: columns.take()?,
            shown_at: columns.take()?,
            withheld_until: columns.take()?,
            closes_at: columns.take()?,
            answered_at: columns.take()?,
            questions: columns.take()?,
            missed: columns.take()?,
            told: columns.take()?,
            rebuttal: columns.take()?,
        })
    }
}
