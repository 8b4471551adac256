//! What people try: mostly what is due, sometimes what is not theirs to do. Chance, or a fuzzer's bytes, settles the details.

use std::collections::BTreeSet;

use remit_kernel::{
    case::{Case, Material, ReturnCode, Visibility},
    command::{Command, DefectIn, ReviewIn},
    engagement::{LineKind, SowStatus},
    form::Answer,
    id::{CaseId, CredentialId, EngagementId, ItemId, LotId, PersonId, ReviewId, SowId},
    index::{CaseStatus, DefectKind, Part, ReviewKind, ReviewStatus, Severity},
    model::{GoldTaken, measure},
    pack::{Duty, Stopping},
    refusal::code,
    role::{Role, Side},
    stream::{Scope, State, StreamId},
};

use crate::{
    invariants,
    stage::{OfChance as _, Stage, date, item_in, pack, plan, source},
    world::{over, told},
};

/// What somebody tries next; who, on what and how are chosen when it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    /// What is due next on a case, whatever it is.
    GoOn,
    Wait,
    TakeIn,
    TakeInHistory,
    Record,
    RecordReference,
    Admit,
    Decline,
    Cancel,
    AddItem,
    Widen,
    AddParty,
    Transfer,
    ClaimNext,
    Claim,
    Assign,
    Release,
    Revoke,
    Submit,
    CloseReading,
    Measure,
    TakeDispute,
    Adjudicate,
    Edit,
    RequestSignoff,
    Open,
    Sign,
    ReturnSignoff,
    RefuseSignoff,
    Deliver,
    Accept,
    ReturnDelivery,
    TakeReview,
    FinishReview,
    RebutReview,
    RuleReview,
    CloseLot,
    ScreenLot,
    ResumeSampling,
    Replan,
    AddMember,
    ChangeMember,
    RemoveMember,
    RecordCredential,
    RevokeCredential,
    Clearance,
    Conflict,
    Place,
    Leave,
    /// What is due next on the newest version of the statement of work.
    GoOnSow,
    DraftSow,
    ReviseSow,
    ProposeSow,
    SignSow,
    ProposeGold,
    ApproveGold,
    RetireGold,
    CloseShowing,
    RebutGold,
    DecideRebuttal,
    Elsewhere,
}

/// Each with its weight.
pub(crate) const TRIES: &[(Try, u32)] = &[
    (Try::GoOn, 150),
    (Try::Wait, 4),
    (Try::TakeIn, 6),
    (Try::TakeInHistory, 2),
    (Try::Record, 4),
    (Try::RecordReference, 1),
    (Try::Admit, 1),
    (Try::Decline, 1),
    (Try::Cancel, 3),
    (Try::AddItem, 2),
    (Try::Widen, 1),
    (Try::AddParty, 1),
    (Try::Transfer, 2),
    (Try::ClaimNext, 8),
    (Try::Claim, 8),
    (Try::Assign, 2),
    (Try::Release, 4),
    (Try::Revoke, 3),
    (Try::Submit, 18),
    (Try::CloseReading, 2),
    (Try::Measure, 1),
    (Try::TakeDispute, 6),
    (Try::Adjudicate, 6),
    (Try::Edit, 2),
    (Try::RequestSignoff, 3),
    (Try::Open, 12),
    (Try::Sign, 7),
    (Try::ReturnSignoff, 3),
    (Try::RefuseSignoff, 1),
    (Try::Deliver, 4),
    (Try::Accept, 2),
    (Try::ReturnDelivery, 3),
    (Try::TakeReview, 6),
    (Try::FinishReview, 8),
    (Try::RebutReview, 3),
    (Try::RuleReview, 3),
    (Try::CloseLot, 4),
    (Try::ScreenLot, 2),
    (Try::ResumeSampling, 1),
    (Try::Replan, 2),
    (Try::AddMember, 2),
    (Try::ChangeMember, 1),
    (Try::RemoveMember, 2),
    (Try::RecordCredential, 1),
    (Try::RevokeCredential, 1),
    (Try::Clearance, 1),
    (Try::Conflict, 1),
    (Try::Place, 1),
    (Try::Leave, 1),
    (Try::GoOnSow, 8),
    (Try::DraftSow, 2),
    (Try::ReviseSow, 1),
    (Try::ProposeSow, 1),
    (Try::SignSow, 2),
    (Try::Elsewhere, 1),
];

/// What is tried beside, where gold is mixed in.
pub(crate) const GOLD_TRIES: &[(Try, u32)] = &[
    (Try::ClaimNext, 20),
    (Try::ProposeGold, 6),
    (Try::ApproveGold, 6),
    (Try::RetireGold, 1),
    (Try::CloseShowing, 12),
    (Try::RebutGold, 12),
    (Try::DecideRebuttal, 12),
];

/// A try with the dice that settle its details.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) tries: Try,
    pub(crate) who: usize,
    pub(crate) pick: usize,
    /// At 0 out of 5, somebody unfit tries it or tries it on an unfit case.
    pub(crate) twist: usize,
}

impl Step {
    /// Returns the step that four bytes stand for: what, who, on what, and how.
    pub(crate) fn of_bytes([tries, who, pick, twist]: [u8; 4]) -> Self {
        let weights: u32 = TRIES.iter().map(|(_, weight)| weight).sum();
        let mut at = u32::from(tries) * weights / 256;
        let chosen = TRIES.iter().find(|(_, weight)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        });
        let (tries, _) = chosen.copied().unwrap_or(TRIES[0]);
        Self { tries, who: usize::from(who), pick: usize::from(pick), twist: usize::from(twist) }
    }

    fn fit(self) -> bool {
        !self.twist.is_multiple_of(5)
    }

    fn one<T: Clone>(self, among: &[T]) -> Option<T> {
        (!among.is_empty()).then(|| among[self.pick % among.len()].clone())
    }

    /// Returns the case it is about: one in a fitting state, if it is to fit.
    fn case(self, stage: &Stage) -> Option<CaseId> {
        let fitting: &[CaseStatus] = match self.tries {
            Try::Admit | Try::Decline => &[CaseStatus::ScopeQuery],
            Try::Claim | Try::Assign | Try::AddItem => &[CaseStatus::Ready, CaseStatus::Reading],
            Try::Submit | Try::CloseReading => &[CaseStatus::Reading],
            Try::Release | Try::Revoke => &[CaseStatus::Reading, CaseStatus::Adjudicating],
            Try::TakeDispute | Try::Adjudicate => &[CaseStatus::Adjudicating],
            Try::Open | Try::Sign | Try::ReturnSignoff | Try::RefuseSignoff => &[CaseStatus::AwaitingSignOff],
            Try::RequestSignoff => &[CaseStatus::Revision],
            Try::TakeReview | Try::FinishReview => {
                &[CaseStatus::InReview, CaseStatus::Delivered, CaseStatus::SignedOff]
            }
            Try::Deliver => &[CaseStatus::SignedOff],
            Try::Accept | Try::ReturnDelivery => &[CaseStatus::Delivered],
            Try::ProposeGold | Try::ApproveGold => &[CaseStatus::AwaitingSignOff, CaseStatus::SignedOff],
            _ => CaseStatus::ALL,
        };
        let history = matches!(self.tries, Try::Record | Try::RecordReference);
        let shown = matches!(self.tries, Try::CloseShowing | Try::RebutGold | Try::DecideRebuttal);
        let cases = cases(stage).into_iter().filter(|case| !history || case.imported());
        let cases: Vec<_> = cases.filter(|case| !shown || case.showing.is_some()).collect();
        let reviews = matches!(self.tries, Try::TakeReview | Try::FinishReview | Try::RebutReview | Try::RuleReview);
        let cases: Vec<_> = cases.into_iter().filter(|case| !reviews || !case.reviews.is_empty()).collect();
        let fit: Vec<_> = cases.iter().filter(|case| fitting.contains(&case.status)).map(|case| case.case).collect();
        let any: Vec<_> = cases.iter().map(|case| case.case).collect();
        if self.fit() { self.one(&fit) } else { None }.or_else(|| self.one(&any))
    }

    /// Returns who tries it: somebody whose business it is, if it is to fit.
    fn name(self, stage: &Stage, case: Option<CaseId>) -> &'static str {
        let everybody: Vec<_> = stage.people.keys().copied().collect();
        let anybody = everybody[self.who % everybody.len()];
        let holder = |duty: Duty| {
            let panel = case.and_then(|case| panel_of(stage, case))?;
            let held = panel.held_duties().find(|record| record.duty == duty)?;
            Some(stage.name_of(held.person))
        };
        let among = |names: &[&'static str]| names[self.who % names.len()];
        if !self.fit() {
            return anybody;
        }
        match self.tries {
            Try::ClaimNext | Try::Claim => among(&["reader", "second", "third", "twin", "deputy"]),
            Try::Submit => holder(Duty::Read).unwrap_or(anybody),
            Try::Release => holder(Duty::Read).or_else(|| holder(Duty::Adjudicate)).unwrap_or(anybody),
            Try::ProposeGold | Try::DecideRebuttal => among(&["judge", "umpire"]),
            Try::RebutGold => case.and_then(|case| reader_of(stage, case)).unwrap_or(anybody),
            Try::TakeDispute => among(&["judge", "umpire", "judge", "umpire", "third", "signer"]),
            Try::Adjudicate => holder(Duty::Adjudicate).unwrap_or(anybody),
            Try::Open | Try::Sign => among(&["signer", "signer", "signer", "signer", "deputy", "abroad"]),
            Try::ReturnSignoff | Try::RefuseSignoff => among(&["signer", "deputy", "abroad", "twin"]),
            Try::TakeReview => among(&["checker", "controller", "checker", "controller", "insider"]),
            Try::FinishReview => {
                let mut held = case.into_iter().flat_map(|case| stage.case(case).reviews);
                let holder = held.find_map(|review| stage.review(review).holder().map(|holding| holding.person));
                holder.map_or(anybody, |holder| stage.name_of(holder))
            }
            Try::RebutReview => among(&["reader", "second", "third", "twin"]),
            Try::RuleReview => among(&["checker", "controller"]),
            Try::Accept | Try::ReturnDelivery | Try::Cancel | Try::ResumeSampling => "client",
            Try::SignSow => among(&["client", "manager"]),
            Try::RecordCredential => "registrar",
            _ => "manager",
        }
    }

    /// Returns the step that takes a case on: the one that its status asks for.
    fn due(self, stage: &Stage) -> Option<(Self, CaseId)> {
        // A showing that is read waits for its window: nothing is due on it.
        let read = |case: &Case| case.showing.is_some() && stage.panel(case.case).held_duties().next().is_none();
        let open: Vec<_> = cases(stage).into_iter().filter(|case| !over(case.status) && !read(case)).collect();
        let case = self.one(&open)?;
        let panel = panel_of(stage, case.case);
        let held = panel.as_ref().is_some_and(|panel| panel.held_duties().next().is_some());
        let odd = self.who.is_multiple_of(3);
        let answer = |status| case.reviews.iter().any(|review| stage.review(*review).status == status);
        if odd && answer(ReviewStatus::Failed) {
            return Some((Self { tries: Try::RebutReview, ..self }, case.case));
        }
        if odd && answer(ReviewStatus::Rebutted) {
            return Some((Self { tries: Try::RuleReview, ..self }, case.case));
        }
        if !case.holds.is_empty() && case.status != CaseStatus::Adjudicating {
            let held = case.reviews.iter().any(|review| stage.review(*review).holder().is_some());
            let tries = if held { Try::FinishReview } else { Try::TakeReview };
            return Some((Self { tries, ..self }, case.case));
        }
        let tries = match case.status {
            CaseStatus::ScopeQuery => Try::Decline,
            CaseStatus::Ready if case.imported() => Try::Record,
            CaseStatus::Reading if held => Try::Submit,
            CaseStatus::Ready | CaseStatus::Reading => Try::Claim,
            CaseStatus::Adjudicating if held => Try::Adjudicate,
            CaseStatus::Adjudicating => Try::TakeDispute,
            CaseStatus::InReview => {
                let held = case.reviews.iter().any(|review| stage.review(*review).holder().is_some());
                if held { Try::FinishReview } else { Try::TakeReview }
            }
            CaseStatus::AwaitingSignOff if self.who.is_multiple_of(16) => Try::ReturnSignoff,
            CaseStatus::AwaitingSignOff => {
                let opened = case.signoff.as_ref().and_then(|signoff| signoff.opened.get(&stage.who("signer")));
                let all = case.material().iter().all(|material| opened.is_some_and(|opened| opened.contains(material)));
                if all { Try::Sign } else { Try::Open }
            }
            CaseStatus::Resolved | CaseStatus::SignedOff => Try::Deliver,
            CaseStatus::Delivered if odd => Try::Accept,
            CaseStatus::Delivered => Try::ReturnDelivery,
            CaseStatus::Revision if odd => Try::Edit,
            CaseStatus::Revision => Try::RequestSignoff,
            CaseStatus::Declined | CaseStatus::Accepted | CaseStatus::Cancelled => return None,
        };
        Some((Self { tries, ..self }, case.case))
    }

    /// Returns the step that takes the newest version of the statement of work on.
    fn due_sow(stage: &Stage) -> Option<Self> {
        let place = sows(stage).len().checked_sub(1)?;
        let newest = stage.sow(sows(stage)[place]);
        let client_signed = newest.signatures.iter().any(|(side, ..)| *side == Side::Client);
        let tries = match newest.status {
            SowStatus::Draft => Try::ProposeSow,
            SowStatus::Proposed => Try::SignSow,
            SowStatus::InForce | SowStatus::Superseded => return None,
        };
        Some(Self { tries, pick: place, who: usize::from(client_signed), twist: 1 })
    }

    /// Returns a review of a case: one of this status, if it is to fit and there is one.
    fn review(self, stage: &Stage, case: CaseId, status: ReviewStatus) -> Option<ReviewId> {
        let reviews = stage.case(case).reviews;
        let fit = reviews.iter().find(|review| stage.review(**review).status == status).copied();
        fit.filter(|_| self.fit()).or_else(|| self.one(&reviews))
    }

    fn finding(self) -> &'static str {
        // Mostly alike, so that panels agree often enough to be signed and returned.
        ["decreased", "decreased", "decreased", "none", "increased", "unheard of"][self.pick % 6]
    }

    /// Returns the command that this step comes to now.
    #[expect(clippy::too_many_lines, reason = "one arm for each thing to try")]
    fn command(self, stage: &mut Stage, case: Option<CaseId>) -> Option<Command> {
        let engagement = stage.engagement;
        let everybody: Vec<_> = stage.people.values().copied().collect();
        let person = everybody[self.pick % everybody.len()];
        let code = ReturnCode::ALL[self.who % ReturnCode::ALL.len()];
        let note = "As discussed.".to_owned();
        let party = ["acme", "globex", "initech"][self.pick % 3].to_owned();
        let sow = self.one(&sows(stage));
        Some(match self.tries {
            Try::GoOn | Try::GoOnSow | Try::Wait => return None,
            Try::TakeIn => {
                let mut given = stage.case_in();
                if !self.fit() {
                    given.case_type = "census".into();
                    given.fields.clear();
                }
                given.owner = stage.who(["manager", "reader", "second", "deputy"][self.twist % 4]);
                given.items.push(item_in("Cover letter", Visibility::ALL[self.pick % 3]));
                Command::TakeIn { engagement, case: given }
            }
            Try::TakeInHistory => Command::TakeInHistory { engagement, case: stage.case_in(), line: stage.history },
            Try::Record => {
                let part = [Part::Panel, Part::Panel, Part::Panel, Part::Extra, Part::Ai][self.twist % 5];
                let reader = ["reader", "second", "third", "twin", "judge"][self.who % 5];
                stage.record(case?, reader, part, self.finding(), self.pick as u64)
            }
            Try::RecordReference => {
                let answers = [("finding".to_owned(), Answer::Choice(self.finding().into()))].into();
                Command::RecordReference { engagement, case: case?, answers, source: source(1) }
            }
            Try::Admit => Command::AdmitCase { engagement, case: case? },
            Try::Decline => Command::DeclineCase { engagement, case: case?, reason: note },
            Try::Cancel => Command::CancelCase { engagement, case: case?, reason: note },
            Try::AddItem => {
                let replaces = self.one(&items(stage, case?)).filter(|_| self.twist.is_multiple_of(2));
                let item = item_in("Appendix", Visibility::ALL[self.who % 3]);
                Command::AddItem { engagement, case: case?, replaces, item }
            }
            Try::Widen => Command::WidenItem { engagement, case: case?, item: self.one(&items(stage, case?))? },
            Try::AddParty => Command::AddParty { engagement, case: case?, party },
            Try::Transfer => Command::TransferCase { engagement, case: case?, to: person, reason: note },
            Try::ClaimNext => Command::ClaimNext { engagement },
            Try::Claim => stage.claim(case?),
            Try::Assign => Command::AssignSeat { engagement, case: case?, person },
            Try::Release => Command::ReleaseSeat { engagement, case: case?, reason: note },
            Try::Revoke => {
                let held = panel_of(stage, case?)?.held_duties().next()?.person;
                Command::RevokeSeat { engagement, case: case?, person: held, reason: note }
            }
            Try::Submit => stage.submit(case?, self.finding()),
            Try::CloseReading => Command::CloseReading { engagement, case: case? },
            Try::Measure => {
                let panels: Vec<_> = cases(stage).iter().filter_map(|case| panel_of(stage, case.case)).collect();
                let form = pack().form;
                let closed: Vec<_> =
                    panels.iter().filter(|panel| panel.revealed()).map(|panel| (panel, &form)).collect();
                let mut questions = measure(&closed, &[], stage.world.now);
                // Few panels close in a history: as if many more answers were known.
                for measured in questions.values_mut() {
                    measured.known += 30 * u32::from(self.fit());
                }
                Command::FitModel { engagement, questions, panels: 1, gold: GoldTaken::default() }
            }
            Try::TakeDispute => stage.take_dispute(case?),
            Try::Adjudicate => stage.adjudicate(case?, self.finding()),
            Try::Edit => {
                Command::EditDeliverable { engagement, case: case?, body: format!("Pain: {}.", self.pick % 3) }
            }
            Try::RequestSignoff => Command::RequestSignoff { engagement, case: case? },
            Try::Open => {
                let known = stage.case(case?);
                let opened = known.signoff.as_ref().and_then(|signoff| signoff.opened.get(&stage.who("signer")));
                let unseen = |material: &Material| !opened.is_some_and(|opened| opened.contains(material));
                stage.open(case?, known.material().into_iter().find(unseen).unwrap_or(Material::Deliverable))
            }
            Try::Sign => stage.sign(case?),
            Try::ReturnSignoff => stage.send_back(case?, code),
            Try::RefuseSignoff => Command::RefuseSignoff { engagement, case: case?, note },
            Try::Deliver => stage.deliver(case?),
            Try::Accept => Command::AcceptDelivery { engagement, case: case? },
            Try::ReturnDelivery => stage.return_delivery(case?, code),
            Try::ProposeGold => Command::ProposeGold { engagement, case: case?, note: None },
            Try::ApproveGold => Command::ApproveGold { engagement, gold: case?.gold() },
            Try::RetireGold => Command::RetireGold { engagement, gold: case?.gold(), reason: note },
            Try::CloseShowing => Command::CloseShowing { engagement, case: case? },
            Try::RebutGold => Command::RebutGold { engagement, case: case?, note },
            Try::DecideRebuttal => {
                let answer = Answer::Choice(self.finding().into());
                let corrected = self.who.is_multiple_of(2).then(|| [("finding".to_owned(), answer)].into());
                Command::DecideRebuttal { engagement, case: case?, corrected, note }
            }
            Try::TakeReview => {
                Command::TakeReview { engagement, case: case?, review: self.one(&stage.case(case?).reviews)? }
            }
            Try::FinishReview => {
                let reviews = stage.case(case?).reviews;
                let held = reviews.iter().find(|review| stage.review(**review).holder().is_some()).copied();
                let review = held.or_else(|| self.one(&reviews))?;
                let defects = (0..self.pick % 3).map(|more| DefectIn {
                    question: (more == 0).then(|| "finding".to_owned()),
                    kind: DefectKind::ALL[(self.twist + more) % DefectKind::ALL.len()],
                    severity: Severity::ALL[(self.who + more) % Severity::ALL.len()],
                    note: note.clone(),
                });
                let in_house = stage.review(review).kind == ReviewKind::InHouse;
                let defects: Vec<_> = defects.filter(|_| !in_house).collect();
                let holds = in_house || !defects.is_empty();
                let finding = if holds { Some(stage.judgement(case?, self.finding())) } else { None };
                let given = ReviewIn { defects, coaching: self.fit().then(|| note.clone()), finding };
                Command::FinishReview { engagement, case: case?, review, given }
            }
            Try::RebutReview => Command::RebutReview {
                engagement,
                case: case?,
                review: self.review(stage, case?, ReviewStatus::Failed)?,
                note,
            },
            Try::RuleReview => Command::RuleReview {
                engagement,
                case: case?,
                review: self.review(stage, case?, ReviewStatus::Rebutted)?,
                upheld: self.pick.is_multiple_of(2),
                note,
            },
            Try::CloseLot => {
                if self.fit() {
                    stage.wait(7 * 86_400);
                }
                Command::CloseLot { engagement, lot: self.one(&lots(stage))? }
            }
            Try::ScreenLot => Command::ScreenLot { engagement, lot: self.one(&lots(stage))? },
            Try::ResumeSampling => {
                Command::ResumeSampling { engagement, line: stage.line, case_type: "trial".into(), note }
            }
            Try::Replan => Command::Replan { engagement, person },
            Try::AddMember => {
                let roles = [[Role::Expert, Role::Adjudicator], [Role::Signer, Role::Expert]][self.twist % 2].into();
                Command::AddMember { engagement, person, side: Side::Provider, roles, capacity: 2 }
            }
            Try::ChangeMember => {
                let roles = BTreeSet::from([Role::ALL[self.twist % Role::ALL.len()], Role::Expert]);
                let roles = if self.who.is_multiple_of(2) { roles } else { [Role::Signer].into() };
                Command::ChangeMember { engagement, person, roles, capacity: [1, 2, 3][self.twist % 3] }
            }
            Try::RemoveMember => {
                let successor = self.fit().then(|| everybody[self.twist % everybody.len()]);
                Command::RemoveMember { engagement, person, successor }
            }
            Try::RecordCredential => Command::RecordCredential {
                person,
                kind: ["analyst", "physician"][self.twist % 2].into(),
                jurisdiction: ["", "US", "US-OH", "GB"][self.who % 4].into(),
                number: "R-2".into(),
                valid_from: date("2026-01-01"),
                valid_to: date(["2026-03-02", "2026-05-01", "2027-01-01"][self.twist % 3]),
            },
            Try::RevokeCredential => {
                let credential = self.one(&credentials(stage, person))?;
                Command::RevokeCredential { person, credential, reason: note }
            }
            Try::Clearance => {
                Command::SetClearance { person, clearance: "trials".into(), granted: self.twist.is_multiple_of(2) }
            }
            Try::Conflict => Command::SetConflict { person, party, declared: !self.twist.is_multiple_of(3) },
            Try::Place => Command::SetPlace { person, place: ["ZA", "GB", "FR"][self.twist % 3].into() },
            Try::Leave => Command::MarkLeft { person },
            Try::DraftSow => Command::DraftSow {
                engagement,
                starts_on: date(["2026-02-01", "2026-03-20"][self.pick % 2]),
                ends_on: date(["2026-06-30", "2027-12-31"][self.twist % 2]),
                names_people: false,
                lines: {
                    let mut plan = plan([1, 2, 3][self.twist % 3], !self.who.is_multiple_of(3));
                    if self.pick.is_multiple_of(2) {
                        let (readings_min, readings_max) = (plan.stopping.first(), 4);
                        let error_max = [1_000, 50_000, 300_000][self.who % 3];
                        plan.stopping = Stopping::Sequential { readings_min, readings_max, error_max };
                    }
                    vec![stage.line_in(LineKind::Standard, plan)]
                },
            },
            Try::ReviseSow => {
                let lines = vec![stage.line_in(LineKind::Standard, plan(2, true))];
                let (starts_on, ends_on) = (date("2026-02-01"), date("2026-09-30"));
                Command::ReviseSow { engagement, sow: sow?, starts_on, ends_on, names_people: false, lines }
            }
            Try::ProposeSow => Command::ProposeSow { engagement, sow: sow? },
            Try::SignSow => Command::SignSow { engagement, sow: sow? },
            Try::Elsewhere => {
                let engagement = EngagementId::of_chance(9);
                let case = case?;
                match self.twist % 4 {
                    0 => Command::ClaimSeat { engagement, case },
                    1 => Command::CancelCase { engagement, case, reason: note },
                    2 => Command::TransferCase { engagement, case, to: person, reason: note },
                    _ => Command::AddParty { engagement, case, party },
                }
            }
        })
    }
}

pub(crate) fn cases(stage: &Stage) -> Vec<Case> {
    let case = |(_, state): (StreamId, &State)| match state {
        State::Case(case) => Some(case.clone()),
        _ => None,
    };
    stage.world.streams(stage.scope()).filter_map(case).collect()
}

/// Returns who was shown a gold case, as tests call her.
fn reader_of(stage: &Stage, case: CaseId) -> Option<&'static str> {
    let laid = stage.case(case).showing?;
    Some(stage.name_of(stage.gold(laid.gold).showing(case)?.person))
}

pub(crate) fn lots(stage: &Stage) -> Vec<LotId> {
    let lot = |(stream, _): (StreamId, &State)| if let StreamId::Lot(lot) = stream { Some(lot) } else { None };
    stage.world.streams(stage.scope()).filter_map(lot).collect()
}

pub(crate) fn sows(stage: &Stage) -> Vec<SowId> {
    let sow = |(_, state): (StreamId, &State)| match state {
        State::Sow(sow) => Some(sow.sow),
        _ => None,
    };
    let mut sows: Vec<_> = stage.world.streams(stage.scope()).filter_map(sow).collect();
    sows.retain(|sow| stage.sow(*sow).status != SowStatus::Superseded);
    sows
}

pub(crate) fn items(stage: &Stage, case: CaseId) -> Vec<ItemId> {
    stage.case(case).items.iter().map(|item| item.item).collect()
}

pub(crate) fn panel_of(stage: &Stage, case: CaseId) -> Option<remit_kernel::panel::Panel> {
    stage.case(case).admission.as_ref()?;
    Some(stage.panel(case))
}

pub(crate) fn credentials(stage: &Stage, person: PersonId) -> Vec<CredentialId> {
    match stage.world.state(Scope::Directory, StreamId::Person(person)) {
        Some(State::Person(person)) => person.credentials.keys().copied().collect(),
        _ => Vec::new(),
    }
}

/// Plays a step; returns what it came to, if anything was tried.
pub(crate) fn play(stage: &mut Stage, step: Step) -> Option<String> {
    if step.tries == Try::Wait {
        stage.wait([1, 3_600, 86_400, 86_400, 5 * 86_400, 9 * 86_400, 90 * 86_400][step.twist % 7]);
        return None;
    }
    let (step, case) = match step.tries {
        Try::GoOn => step.due(stage).map(|(step, case)| (step, Some(case)))?,
        Try::GoOnSow => (Step::due_sow(stage)?, None),
        _ => (step, step.case(stage)),
    };
    let name = step.name(stage, case);
    let command = step.command(stage, case)?;
    let before = stage.world.clone();
    let outcome = stage.act(name, &command);
    match &outcome {
        Ok(act) => {
            invariants::hold(&stage.world, act);
            i36_a_second_import_changes_nothing(stage, name, &command);
        }
        Err(refusal) => {
            assert_eq!(before.states, stage.world.states, "a refused command changed something");
            assert!(refusal.reasons.iter().all(|reason| code::ALL.contains(&reason.code.as_ref())));
        }
    }
    assert!(step.tries != Try::Elsewhere || outcome.is_err(), "I20: a case was reached from another engagement");
    Some(told(&outcome))
}

pub(crate) fn i36_a_second_import_changes_nothing(stage: &Stage, name: &str, command: &Command) {
    match command {
        Command::RecordReading { .. } | Command::TakeInHistory { .. } | Command::TakeIn { .. } => {
            assert_eq!(stage.would(name, command), "refused: duplicate", "I36: imported twice");
        }
        Command::RecordReference { .. } => assert_eq!(stage.would(name, command), "nothing", "I36: imported twice"),
        _ => {}
    }
}
