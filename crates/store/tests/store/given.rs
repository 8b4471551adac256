//! What the tests start from: identifiers by number, rows with nothing special about them.

use remit_kernel::{
    hash::Digest,
    id::{ActId, CaseId, EntryId, Id, PersonId, Suffix, TextId},
    index::{CaseRow, CaseStatus, DutyRow, DutyStatus, NeedRow, Origin, PanelRow, PanelStatus, Row, SeatRow},
    pack::Duty,
    role::Role,
    text::NewText,
    time::Instant,
};
use remit_store::{
    AnswerKept, Commit, Decision, EntryRow, EventRow, Expect, IndexChange, SnapshotRow, Store, TextRow, Write,
    testing::{self, TestDir},
};

pub(crate) const SCOPE: &str = "eng_1";

pub(crate) fn id<T: Id>(number: u64) -> T {
    T::of(Suffix::new(number, [0; 10]))
}

pub(crate) fn at(second: i64) -> Instant {
    Instant::from_micros(second * 1_000_000)
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A store in a folder that goes with it; the store is dropped first.
pub(crate) struct Fresh {
    pub(crate) store: Store,
    pub(crate) dir: TestDir,
}

impl Fresh {
    pub(crate) async fn new() -> Self {
        let dir = TestDir::fresh();
        Self { store: testing::open(dir.path()).await.unwrap(), dir }
    }

    /// Commits the rows as if a state that gave none before now gave these.
    pub(crate) async fn index(&self, scope: &str, new: Vec<Row>) {
        self.change_index(scope, Vec::new(), new).await;
    }

    pub(crate) async fn change_index(&self, scope: &str, old: Vec<Row>, new: Vec<Row>) {
        let mut write = write(scope, 1);
        write.index = vec![IndexChange { stream: "any".to_owned(), old, new }];
        assert_eq!(self.store.commit(write).await.unwrap(), Commit::Done);
    }

    pub(crate) async fn texts(&self, scope: &str, texts: Vec<TextRow>) {
        let mut write = write(scope, 1);
        write.texts = texts;
        assert_eq!(self.store.commit(write).await.unwrap(), Commit::Done);
    }
}

pub(crate) fn write(scope: &str, act: u64) -> Write {
    Write::new(scope, at(100), id::<ActId>(act))
}

/// The digest of the event that [`step`] makes of this version.
pub(crate) fn head(version: u64) -> Digest {
    if version == 0 { Digest::default() } else { digest(&format!("{{\"step\":{version}}}")) }
}

/// A write that moves a stream from the version before to `version`.
pub(crate) fn step(stream: &str, version: u64) -> Write {
    let body = format!("{{\"step\":{version}}}");
    let mut write = write(SCOPE, version);
    write.at = at(i64::try_from(version).unwrap());
    write.expects = vec![Expect { stream: stream.to_owned(), version: version - 1, head: head(version - 1) }];
    write.events = vec![EventRow {
        stream: stream.to_owned(),
        version,
        kind: "stepped".to_owned(),
        v: 1,
        digest: digest(&body),
        body: body.clone(),
    }];
    write.snapshots = vec![SnapshotRow { stream: stream.to_owned(), version, shape: 3, head: digest(&body), body }];
    write
}

pub(crate) fn asked(key: &str, fingerprint: &str, body: &str) -> AnswerKept {
    AnswerKept {
        scope: SCOPE.to_owned(),
        person: id(1),
        route: "POST /cases".to_owned(),
        key: key.to_owned(),
        fingerprint: digest(fingerprint),
        body: body.to_owned(),
    }
}

pub(crate) fn text(number: u64, case: Option<CaseId>, body: &str) -> TextRow {
    TextRow::of(case, NewText::new(id::<TextId>(number), [7; 32], body.to_owned()))
}

pub(crate) fn entry(number: u64, object: &str) -> EntryRow {
    EntryRow {
        id: id::<EntryId>(number),
        scope: SCOPE.to_owned(),
        at: at(i64::try_from(number).unwrap()),
        actor: Some(id::<PersonId>(1)),
        roles: vec![Role::Expert, Role::Adjudicator],
        action: "view_case".to_owned(),
        object: object.to_owned(),
        case: Some(id::<CaseId>(9)),
        object_hash: Some(digest("content")),
        decision: Decision::Allow,
        policy_set_hash: digest("policies"),
        policy_ids: vec!["p-read".to_owned(), "p-\"own\"".to_owned()],
        purpose: "work".to_owned(),
        country: None,
        request_id: "r1".to_owned(),
        commitments: vec![digest("opening")],
    }
}

pub(crate) fn case(number: u64, status: CaseStatus, due: i64) -> CaseRow {
    CaseRow {
        case: id(number),
        reference: id(1_000 + number),
        reference_key: digest(&format!("reference {number}")),
        title: id(2_000 + number),
        case_type: "trial".to_owned(),
        status,
        origin: Origin::Witnessed,
        line: None,
        owner: id(1),
        jurisdiction: "ZA".to_owned(),
        urgent: false,
        due_at: at(due),
        received_at: at(1),
        since: at(2),
        revision: 0,
        changed_after_agreement: false,
        showing: false,
    }
}

pub(crate) fn duty(case: u64, person: u64, status: DutyStatus) -> DutyRow {
    DutyRow {
        case: id(case),
        duty: Duty::Read,
        ordinal: u32::try_from(person).unwrap(),
        assignment: id(case * 1_000 + person),
        person: id(person),
        status,
        taken_at: at(3),
        due_at: at(50),
    }
}

pub(crate) fn seat(case: u64, seat: u8, due: i64) -> SeatRow {
    SeatRow { case: id(case), seat, need: need().need, due_at: at(due) }
}

pub(crate) fn need() -> NeedRow {
    NeedRow { need: digest("need"), body: "{\"credentials\":[]}".to_owned() }
}

pub(crate) fn panel(case: u64, status: PanelStatus, disputed: bool) -> PanelRow {
    PanelRow {
        case: id(case),
        status,
        origin: Origin::Witnessed,
        planned: 2,
        sealed: 2,
        spared: 0,
        disputed,
        other_evidence: false,
    }
}
