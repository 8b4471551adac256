//! The invariants, one function each, judged after every act of a random history.
//!
//! Each looks at the world with eyes of its own: it recomputes what must hold instead of asking the rule that let the
//! act pass.

use std::collections::BTreeSet;

use remit_kernel::{
    case::{Case, CaseEvent, Cause, DrawCause, SignoffState, Visibility},
    ctx::Actor,
    directory::{Person, PersonEvent},
    engagement::{Engagement, LineEvent, LineKind, LineUse, Member, MemberEvent, Sow, SowEvent, SowStatus},
    gold::GoldEvent,
    hash::Digest,
    id::{CaseId, LineId, PersonId, SowId},
    index::{CaseStatus, LotStatus, PanelStatus, Part, ReviewKind, ReviewStatus, Row},
    lot::{self, Lot, LotEvent, Place, Seed},
    pack::{Duty, Requirement, Stopping},
    panel::{Bench, Panel, PanelEvent, Provenance, Reading, Seat, Verdict},
    review::{Review, ReviewEvent},
    role::Role,
    stream::{Event, Scope, State, StreamId},
};

use crate::world::{Act, World, over, witnessed};

/// Judges every invariant after an act.
pub(crate) fn hold(world: &World, act: &Act) {
    let seen = Seen { world, act };
    seen.i1_work_stays_within_scope();
    seen.i2_nothing_of_a_reading_shows_before_the_panel_is_closed();
    seen.i3_nobody_judges_the_own_work();
    seen.i4_the_adjudicator_is_no_reader_and_sees_all_readings_shuffled();
    seen.i5_what_is_sealed_never_changes();
    seen.i6_a_signature_holds_for_one_opened_content();
    seen.i7_nothing_leaves_open_or_unsigned();
    seen.i9_only_the_qualified_take_or_finish_a_duty();
    seen.i10_each_open_case_has_one_owner_who_is_here();
    seen.i13_agreed_terms_never_change();
    seen.i20_one_engagement_never_moves_another();
    seen.i21_visibility_never_narrows();
    seen.i7_nothing_leaves_with_a_review_open();
    seen.i7_what_failed_is_looked_at_again();
    seen.i2_a_second_review_is_blind_and_the_stricter_one_holds();
    seen.i22_reviews_and_lots_end();
    seen.i23_the_draw_is_bound_before_and_follows_its_seed();
    seen.i22_panels_end_and_no_duty_dangles();
    seen.i28_no_duty_survives_a_new_conflict();
    seen.gold_is_shown_to_the_unknowing_and_leaves_no_trace();
    seen.i33_time_and_author_come_from_the_server();
}

/// Folding the log anew gives every state again (I24).
pub(crate) fn i24_everything_is_recomputed_from_events(world: &World) {
    assert_eq!(world.refold(), world.states, "I24: the log folds to other states");
}

struct Seen<'a> {
    world: &'a World,
    act: &'a Act,
}

impl<'a> Seen<'a> {
    fn scope(&self) -> Scope {
        self.act.decision.scope
    }

    fn events(&self) -> impl Iterator<Item = &'a Event> {
        self.act.decision.events.iter().map(|(_, event)| event)
    }

    fn case_events(&self) -> impl Iterator<Item = (&'a Case, &'a CaseEvent)> {
        self.act.decision.events.iter().filter_map(|(stream, event)| match (stream, event) {
            (StreamId::Case(case), Event::Case(event)) => Some((self.case(*case), event)),
            _ => None,
        })
    }

    fn panel_events(&self) -> impl Iterator<Item = (&'a Panel, &'a PanelEvent)> {
        self.act.decision.events.iter().filter_map(|(stream, event)| match (stream, event) {
            (StreamId::Panel(panel), Event::Panel(event)) => Some((self.panel(panel.case())?, event)),
            _ => None,
        })
    }

    fn state(&self, stream: StreamId) -> Option<&'a State> {
        self.world.state(self.scope(), stream)
    }

    fn case(&self, case: CaseId) -> &'a Case {
        match self.state(StreamId::Case(case)) {
            Some(State::Case(case)) => case,
            other => panic!("{case} is not there: {other:?}"),
        }
    }

    fn panel(&self, case: CaseId) -> Option<&'a Panel> {
        match self.state(StreamId::panel_of(case)) {
            Some(State::Panel(panel)) => Some(panel),
            _ => None,
        }
    }

    fn person(&self, person: PersonId) -> &'a Person {
        match self.world.state(Scope::Directory, StreamId::Person(person)) {
            Some(State::Person(person)) => person,
            other => panic!("{person} is not there: {other:?}"),
        }
    }

    fn cases(&self) -> impl Iterator<Item = &'a Case> {
        self.world.streams(self.scope()).filter_map(|(_, state)| match state {
            State::Case(case) => Some(case),
            _ => None,
        })
    }

    fn panels(&self) -> impl Iterator<Item = &'a Panel> {
        self.world.streams(self.scope()).filter_map(|(_, state)| match state {
            State::Panel(panel) => Some(panel),
            _ => None,
        })
    }

    fn members(&self) -> impl Iterator<Item = &'a Member> {
        self.world.streams(self.scope()).filter_map(|(_, state)| match state {
            State::Member(member) => Some(member),
            _ => None,
        })
    }

    fn reviews(&self) -> impl Iterator<Item = &'a Review> {
        self.world.streams(self.scope()).filter_map(|(_, state)| match state {
            State::Review(review) => Some(review),
            _ => None,
        })
    }

    fn review(&self, review: remit_kernel::id::ReviewId) -> &'a Review {
        match self.state(StreamId::Review(review)) {
            Some(State::Review(review)) => review,
            other => panic!("{review} is not there: {other:?}"),
        }
    }

    fn review_events(&self) -> impl Iterator<Item = (&'a Review, &'a ReviewEvent)> {
        self.act.decision.events.iter().filter_map(|(stream, event)| match (stream, event) {
            (StreamId::Review(review), Event::Review(event)) => Some((self.review(*review), event)),
            _ => None,
        })
    }

    fn lots(&self) -> impl Iterator<Item = &'a Lot> {
        self.world.streams(self.scope()).filter_map(|(_, state)| match state {
            State::Lot(lot) => Some(lot),
            _ => None,
        })
    }

    fn lot(&self, lot: remit_kernel::id::LotId) -> &'a Lot {
        match self.state(StreamId::Lot(lot)) {
            Some(State::Lot(lot)) => lot,
            other => panic!("{lot} is not there: {other:?}"),
        }
    }

    fn sows(&self) -> impl Iterator<Item = &'a Sow> {
        self.world.streams(self.scope()).filter_map(|(_, state)| match state {
            State::Sow(sow) => Some(sow),
            _ => None,
        })
    }

    fn engagement(&self) -> &'a Engagement {
        let engagement = self.world.streams(self.scope()).find_map(|(_, state)| match state {
            State::Engagement(engagement) => Some(engagement),
            _ => None,
        });
        engagement.expect("a scope has its engagement")
    }

    fn used(&self, line: LineId) -> LineUse {
        match self.state(StreamId::Line(line)) {
            Some(State::Line(used)) => used.clone(),
            _ => LineUse::default(),
        }
    }

    /// Returns the person who acted.
    fn actor(&self) -> Option<PersonId> {
        match self.act.actor {
            Actor::Person { person, .. } => Some(person),
            Actor::Service => None,
        }
    }

    fn assert_in_term(&self, case: &Case) {
        let admission = case.admission.as_ref().expect("I1: work on a case that was never admitted");
        let sow = self.sows().find(|sow| sow.sow == admission.sow).expect("I1: admitted under no statement of work");
        let today = self.world.now.date();
        assert!(
            matches!(sow.status, SowStatus::InForce | SowStatus::Superseded),
            "I1: the statement of work is not signed"
        );
        assert!(admission.history || (sow.starts_on <= today && today <= sow.ends_on), "I1: outside the term");
    }

    /// Cases come in under the version of the day: no later one has begun, and it has not been replaced.
    fn assert_agreed(&self, admitted: SowId) {
        let (now, sow) = (self.world.now, self.sows().find(|sow| sow.sow == admitted).expect("I1: it exists"));
        let later = |other: &&Sow| {
            let standing = other.status == SowStatus::InForce && !other.history_only();
            standing && other.number > sow.number && other.begun(now)
        };
        assert!(sow.holds(now), "I1: admitted under a version that does not hold");
        assert_eq!(self.sows().find(later).map(|sow| sow.number), None, "I1: a later version has begun");
    }

    fn i1_work_stays_within_scope(&self) {
        for (case, event) in self.case_events() {
            if let CaseEvent::Admitted { admission } = event {
                let line = self.sows().find_map(|sow| sow.line(admission.line)).expect("I1: the line exists");
                assert!(line.includes.contains(&case.case_type) || admission.history, "I1: a case type out of scope");
                assert!(
                    !line.excludes.contains(&case.case_type) || admission.history,
                    "I1: a case type named as out of scope"
                );
                assert_eq!(
                    line.kind == LineKind::History,
                    case.imported(),
                    "I1: history comes in on history lines alone"
                );
                self.assert_in_term(case);
                if !admission.history {
                    self.assert_agreed(admission.sow);
                }
            }
            if let CaseEvent::Signed { .. } = event {
                self.assert_in_term(case);
            }
        }
        for (panel, event) in self.panel_events() {
            let works = match event {
                PanelEvent::SeatTaken { reader, .. } => Some(*reader),
                PanelEvent::ReadingSealed { reading } if matches!(reading.provenance, Provenance::Witnessed { .. }) => {
                    Some(reading.reader)
                }
                PanelEvent::AdjudicatorTook { person, .. } => Some(*person),
                PanelEvent::Adjudicated { by, .. } => Some(*by),
                _ => None,
            };
            if let Some(person) = works {
                let case = self.case(panel.case);
                self.assert_in_term(case);
                let places = case.places();
                assert!(
                    places.is_empty() || places.contains(&self.person(person).place),
                    "I1: from a place not covered"
                );
            }
        }
        for line in self.sows().flat_map(|sow| &sow.lines) {
            let counted = self.cases().filter(|case| {
                !case.imported()
                    && case.showing.is_none()
                    && (case.status != CaseStatus::Cancelled || case.delivery.is_some())
                    && case.admission.as_ref().is_some_and(|admission| admission.line == line.line)
            });
            let (counted, taken) = (u32::try_from(counted.count()).unwrap(), self.used(line.line).taken);
            assert_eq!(
                taken, counted,
                "I1: the volume used is the number of cases, but for those called off undelivered"
            );
            assert!(line.volume_max.is_none_or(|volume_max| taken <= volume_max), "I1: above the volume");
        }
        for event in self.events() {
            if let Event::Line(LineEvent::VolumeTaken { case }) = event {
                assert!(!self.case(*case).imported(), "I1: history uses no volume");
            }
        }
    }

    fn i2_nothing_of_a_reading_shows_before_the_panel_is_closed(&self) {
        for panel in self.panels().filter(|panel| witnessed(panel.origin)) {
            let unfinished = panel.seats.iter().any(|seat| !matches!(seat, Seat::Sealed { .. }));
            assert!(!(panel.revealed() && unfinished), "I2: revealed while a reading is owed");
            let case = self.case(panel.case);
            let tells_nothing = matches!(case.status, CaseStatus::Ready | CaseStatus::Reading | CaseStatus::Cancelled);
            assert!(!unfinished || tells_nothing, "I2: the case's status tells of an outcome");
            assert!(!unfinished || case.resolution.is_none(), "I2: an answer while a reading is owed");
            for row in State::Panel(panel.clone()).rows().into_iter().filter(|_| !panel.revealed()) {
                match row {
                    Row::Panel(row) => {
                        assert!(!row.disputed && !row.other_evidence, "I2: the row tells of the comparison");
                        assert!(
                            !unfinished
                                || matches!(
                                    row.status,
                                    PanelStatus::Planned | PanelStatus::Reading | PanelStatus::Void
                                )
                        );
                    }
                    Row::Dispute(row) => panic!("I2: a dispute on {} shows", row.question),
                    Row::Answer(row) => assert!(!row.revealed, "I2: an answer shows"),
                    _ => {}
                }
            }
        }
    }

    /// A showing is read by somebody who had no part in the case it comes from, once; it takes no volume, opens no seat and
    /// enters no figure, and what it is measured by is what its answers are.
    fn gold_is_shown_to_the_unknowing_and_leaves_no_trace(&self) {
        let golds = self.world.streams(self.scope()).filter_map(|(_, state)| match state {
            State::Gold(gold) => Some(gold),
            _ => None,
        });
        for gold in golds {
            let shown: BTreeSet<_> = gold.showings.iter().map(|showing| showing.natural).collect();
            assert_eq!(shown.len(), gold.showings.len(), "one human being was shown the same gold twice");
            let source = self.panel(gold.gold.case()).expect("gold comes from a case that was read");
            let now = gold.showings.iter().filter(|showing| {
                self.events()
                    .any(|event| matches!(event, Event::Gold(GoldEvent::Shown { case, .. }) if *case == showing.case))
            });
            for showing in now {
                assert!(!source.authors().contains(&showing.natural), "I3: the own answer was shown as gold");
            }
            assert!(!shown.contains(&gold.proposer) && gold.approver.is_none_or(|approver| !shown.contains(&approver)));
            assert_ne!(Some(gold.proposer), gold.approver, "I3: who proposed approved");
            for showing in &gold.showings {
                let case = self.case(showing.case);
                let rows = State::Panel(self.panel(case.case).expect("it has a panel").clone()).rows();
                assert!(
                    rows.iter().all(|row| matches!(row, Row::Duty(_) | Row::Reading(_))),
                    "a showing enters a figure or opens a seat"
                );
                assert!(case.delivery.is_none() && !showing.told | over(case.status));
                if let Some(answered) = &showing.answered {
                    let alike = answered.answers.get("finding") == gold.answers.get("finding");
                    assert_eq!(answered.missed.is_empty(), alike, "measured by another answer than stands");
                }
            }
        }
        for member in self.members() {
            let told = self.cases().filter_map(|case| {
                let State::Gold(gold) = self.state(StreamId::Gold(case.showing?.gold))? else { return None };
                let showing =
                    gold.showing(case.case).filter(|showing| showing.told && showing.person == member.person)?;
                showing.passed()
            });
            let (answers, right) = told.fold((0, 0), |(n, right), hit| (n + 1, right + u32::from(hit)));
            let tally = member.gold.values().next().copied().unwrap_or_default();
            assert_eq!((tally.answers, tally.right), (answers, right), "a tally is the sum of what was told");
        }
    }

    fn i3_nobody_judges_the_own_work(&self) {
        for panel in self.panels() {
            let readers: Vec<_> = panel.panel_readings().map(|reading| reading.natural).collect();
            let distinct: BTreeSet<_> = readers.iter().collect();
            assert_eq!(distinct.len(), readers.len(), "I3: one human being read twice");
            let held: Vec<_> = panel.held_duties().map(|record| record.natural).collect();
            assert_eq!(held.iter().collect::<BTreeSet<_>>().len(), held.len(), "I3: one human being holds two duties");
            assert!(!held.iter().any(|holder| distinct.contains(holder)), "I3: a reader holds a further duty");
            let deciders: Vec<_> = panel.adjudications.iter().map(|decision| decision.natural).collect();
            assert_eq!(
                deciders.iter().collect::<BTreeSet<_>>().len(),
                deciders.len(),
                "I3: decided on the own decision"
            );
        }
        for (case, event) in self.case_events() {
            if let CaseEvent::Signed { natural, .. } = event {
                let panel = self.panel(case.case).expect("a signed case has a panel");
                assert!(panel.panel_readings().all(|reading| reading.natural != *natural), "I3: a reader signs");
                assert!(
                    panel.adjudications.iter().all(|decision| decision.natural != *natural),
                    "I3: the adjudicator signs"
                );
                let resolution = case.resolution.as_ref().expect("a signed case has an answer");
                assert!(!resolution.authors.contains(natural), "I3: who worded the deliverable signs it");
                assert!(!case.reviewers.contains(natural), "I3: a reviewer signs");
            }
        }
        for (review, event) in self.review_events() {
            let (natural, of_finding) = match event {
                ReviewEvent::Finished { natural, .. } => (natural, false),
                ReviewEvent::Ruled { natural, .. } => (natural, true),
                _ => continue,
            };
            let (case, panel) = (self.case(review.case), self.panel(review.case).expect("a reviewed case has a panel"));
            assert!(human(panel).all(|reading| reading.natural != *natural), "I3: a reader reviews");
            let decided = |decision: &remit_kernel::panel::Adjudication| decision.natural == *natural;
            assert!(!panel.adjudications.iter().any(decided), "I3: the adjudicator reviews");
            assert!(!case.signers.contains(natural), "I3: the signer reviews");
            assert_ne!(self.person(case.owner).natural, *natural, "I3: the owner reviews");
            let resolution = case.resolution.as_ref().expect("a reviewed case has an answer");
            assert!(!resolution.authors.contains(natural), "I3: who worded the deliverable reviews it");
            let finish = review.finish.as_ref().expect("it is finished");
            assert!(!of_finding || finish.natural != *natural, "I3: decided on the own finding");
        }
        for event in self.events() {
            if let Event::Person(PersonEvent::CredentialRecorded { credential, verified_by, .. }) = event {
                let owner = self.world.streams(Scope::Directory).find_map(|(_, state)| match state {
                    State::Person(person) if person.credentials.contains_key(credential) => Some(person.natural),
                    _ => None,
                });
                assert_ne!(owner, Some(self.person(*verified_by).natural), "I3: verified a credential of the own");
            }
        }
        for sow in self.sows() {
            let humans: BTreeSet<_> = sow.signatures.iter().map(|(_, _, natural)| natural).collect();
            assert_eq!(humans.len(), sow.signatures.len(), "I3: one human being signed for both sides");
        }
    }

    fn i4_the_adjudicator_is_no_reader_and_sees_all_readings_shuffled(&self) {
        for (panel, event) in self.panel_events() {
            let mut readings: Vec<_> = panel.panel_readings().map(|reading| reading.reading).collect();
            match event {
                PanelEvent::AdjudicatorTook { natural, order, .. } => {
                    let mut shown = order.clone();
                    shown.sort_unstable();
                    readings.sort_unstable();
                    assert_eq!(shown, readings, "I4: each panel reading is shown once");
                    assert!(panel.complete(), "I4: readings are shown before all are in");
                    assert!(human(panel).all(|reading| reading.natural != *natural), "I4: a reader adjudicates");
                }
                PanelEvent::Adjudicated { natural, .. } => {
                    assert!(human(panel).all(|reading| reading.natural != *natural), "I4: a reader adjudicates");
                    assert!(
                        panel.challenges.iter().all(|challenge| challenge.natural != *natural),
                        "I4: who asked decides"
                    );
                }
                _ => {}
            }
        }
    }

    fn i5_what_is_sealed_never_changes(&self) {
        for (stream, before) in &self.act.before {
            if let (State::Panel(before), Some(State::Panel(after))) = (before, self.state(*stream)) {
                assert!(after.readings.starts_with(&before.readings), "I5: a reading changed");
                assert!(after.adjudications.starts_with(&before.adjudications), "I5: an adjudication changed");
                assert!(after.challenges.starts_with(&before.challenges), "I5: a finding changed");
            }
            if let (State::Review(before), Some(State::Review(after))) = (before, self.state(*stream)) {
                assert!(before.finish.is_none() || before.finish == after.finish, "I5: a finished review changed");
            }
        }
    }

    fn i6_a_signature_holds_for_one_opened_content(&self) {
        for (case, event) in self.case_events() {
            let CaseEvent::Signed { signoff, by, content, .. } = event else { continue };
            let resolution = case.resolution.as_ref().expect("I6: signed without an answer");
            let request = case.signoff.as_ref().expect("I6: signed without being asked");
            assert_eq!(
                *content,
                case.content(&resolution.outcome, resolution.deliverable.as_ref()),
                "I6: other content"
            );
            assert_eq!((request.signoff, request.content), (*signoff, *content), "I6: not what was asked");
            let opened = request.opened.get(by).cloned().unwrap_or_default();
            assert!(case.material().iter().all(|material| opened.contains(material)), "I6: signed unseen");
            assert!(
                matches!(self.act.actor, Actor::Person { reauthenticated: true, .. }),
                "I6: identity not proved again"
            );
            let admission = case.admission.as_ref().expect("I6: signed without admission");
            assert!(
                self.qualified(*by, &admission.need.signer, &case.jurisdiction),
                "I6: no credential there and then"
            );
        }
        for case in self.cases().filter(|case| case.status == CaseStatus::SignedOff) {
            let signed = case.signoff.as_ref().filter(|signoff| matches!(signoff.state, SignoffState::Signed { .. }));
            let content = case.resolution.as_ref().map(|resolution| resolution.content);
            assert_eq!(signed.map(|signoff| signoff.content), content, "I6: a change left the signature standing");
        }
    }

    /// Returns whether a person meets a requirement now, judged from the credentials alone.
    fn qualified(&self, person: PersonId, requirement: &Requirement, jurisdiction: &str) -> bool {
        let (person, today) = (self.person(person), self.world.now.date());
        let credential = person.credentials.values().any(|record| {
            let there = [jurisdiction, jurisdiction.split('-').next().unwrap_or_default(), ""];
            requirement.credentials.contains(&record.kind)
                && record.valid_from <= today
                && today <= record.valid_to
                && record.revoked_at.is_none_or(|revoked| revoked > self.world.now)
                && (!requirement.in_jurisdiction || there.contains(&record.jurisdiction.as_str()))
        });
        (credential || requirement.credentials.is_empty())
            && requirement.clearances.iter().all(|clearance| person.clearances.contains(clearance))
    }

    fn i7_nothing_leaves_open_or_unsigned(&self) {
        for (case, event) in self.case_events() {
            let CaseEvent::Delivered { content, .. } = event else { continue };
            let panel = self.panel(case.case).expect("I7: delivered without a panel");
            assert!(panel.ended() && panel.held_duties().next().is_none(), "I7: delivered with an open reading");
            let plan = &case.admission.as_ref().expect("I7: delivered without admission").plan;
            let signed = case.signoff.as_ref().filter(|signoff| matches!(signoff.state, SignoffState::Signed { .. }));
            assert!(
                !plan.signoff || signed.is_some_and(|signoff| signoff.content == *content),
                "I7: delivered unsigned"
            );
            let owner = self.person(case.owner);
            assert!(owner.conflicts.is_disjoint(&case.parties), "I7: the owner has an interest in what leaves");
        }
    }

    fn i9_only_the_qualified_take_or_finish_a_duty(&self) {
        let mut duties = Vec::new();
        for (panel, event) in self.panel_events() {
            duties.extend(match event {
                PanelEvent::SeatTaken { reader, .. } => Some((panel.case, *reader, Duty::Read)),
                PanelEvent::ReadingSealed { reading } if matches!(reading.provenance, Provenance::Witnessed { .. }) => {
                    Some((panel.case, reading.reader, Duty::Read))
                }
                PanelEvent::AdjudicatorTook { person, .. } | PanelEvent::Adjudicated { by: person, .. } => {
                    Some((panel.case, *person, Duty::Adjudicate))
                }
                _ => None,
            });
        }
        duties.extend(self.case_events().filter_map(|(case, event)| match event {
            CaseEvent::Signed { by, .. } => Some((case.case, *by, Duty::Sign)),
            _ => None,
        }));
        duties.extend(self.review_events().filter_map(|(review, event)| match event {
            ReviewEvent::Taken { person, .. } => Some((review.case, *person, Duty::Review)),
            ReviewEvent::Finished { by, .. } | ReviewEvent::Ruled { by, .. } => Some((review.case, *by, Duty::Review)),
            _ => None,
        }));
        for (case, id, duty) in duties {
            let (case, person) = (self.case(case), self.person(id));
            let need = &case.admission.as_ref().expect("I9: a duty without admission").need;
            let (requirement, role) = match duty {
                Duty::Read => (&need.reader, Role::Expert),
                Duty::Adjudicate => (&need.adjudicator, Role::Adjudicator),
                Duty::Sign => (&need.signer, Role::Signer),
                Duty::Review => (&need.reviewer, Role::Reviewer),
            };
            assert!(self.qualified(id, requirement, &case.jurisdiction), "I9: not qualified");
            assert!(person.active && person.conflicts.is_disjoint(&case.parties), "I9: gone, or with an interest");
            assert!(
                self.members().any(|member| member.person == id && member.holds(role)),
                "I9: not a member with the role"
            );
        }
        for (stream, event) in &self.act.decision.events {
            if let (StreamId::Member(person), Event::Member(MemberEvent::DutyTaken { .. })) = (stream, event) {
                let member = self.members().find(|member| member.person == *person).expect("I9: a member");
                assert!(member.load <= member.capacity, "I9: above capacity");
            }
        }
    }

    fn i10_each_open_case_has_one_owner_who_is_here(&self) {
        for (_, event) in self.case_events() {
            let owner = match event {
                CaseEvent::Received { owner, .. } => *owner,
                CaseEvent::OwnerChanged { to, .. } => *to,
                _ => continue,
            };
            assert!(
                self.members().any(|member| member.person == owner && member.active),
                "I10: the owner is no member"
            );
            assert!(self.person(owner).active, "I10: the owner has left");
        }
        for member in self.members().filter(|member| !member.active) {
            let owned = self.cases().filter(|case| case.owner == member.person && !over(case.status)).count();
            assert_eq!(owned, 0, "I10: somebody who is gone owns open cases");
        }
    }

    fn i13_agreed_terms_never_change(&self) {
        for (stream, before) in &self.act.before {
            match (before, self.state(*stream)) {
                (State::Sow(before), Some(State::Sow(after))) if before.status != SowStatus::Draft => {
                    assert_eq!(
                        (&before.lines, before.starts_on, before.ends_on, before.number),
                        (&after.lines, after.starts_on, after.ends_on, after.number),
                        "I13: a proposed version changed"
                    );
                    assert_ne!(after.status, SowStatus::Draft, "I13: a proposed version is a draft again");
                }
                (State::Case(before), Some(State::Case(after))) if before.admission.is_some() => {
                    assert_eq!(before.admission, after.admission, "I13: a case lost the terms it started with");
                }
                _ => {}
            }
        }
        for event in self.events() {
            if let Event::Sow(SowEvent::Signed { .. }) = event {
                let lived: Vec<_> = self.engagement().signed().collect();
                let mut in_force = self.sows().filter(|sow| sow.status == SowStatus::InForce);
                assert!(
                    in_force.all(|sow| lived.contains(&sow.sow)),
                    "I13: a version is in force beside the agreed ones"
                );
            }
        }
    }

    fn i20_one_engagement_never_moves_another(&self) {
        for (stream, event) in &self.act.decision.events {
            if let (StreamId::Engagement(engagement), Event::Engagement(_)) = (stream, event) {
                assert_eq!(Scope::Engagement(*engagement), self.scope(), "I20: another engagement moved");
            }
        }
        let of_another = self.world.states.keys().filter(|(scope, _)| *scope != self.scope());
        let moved: BTreeSet<_> = self.act.decision.events.iter().map(|(stream, _)| *stream).collect();
        let shared = of_another.filter(|(_, stream)| moved.contains(stream) && !matches!(stream, StreamId::Member(_)));
        assert_eq!(shared.count(), 0, "I20: a stream lies in two scopes");
    }

    fn i21_visibility_never_narrows(&self) {
        for (stream, before) in &self.act.before {
            let (State::Case(before), Some(State::Case(after))) = (before, self.state(*stream)) else { continue };
            for item in &before.items {
                let now = after.item(item.item, item.version).expect("I21: a version vanished");
                let kept = now.visibility == item.visibility || now.visibility == Visibility::Both;
                assert!(kept, "I21: an item is seen by fewer");
            }
            for item in before.current_items() {
                let newest =
                    after.current_items().find(|known| known.item == item.item).expect("I21: an item vanished");
                let kept = newest.visibility == item.visibility || newest.visibility == Visibility::Both;
                assert!(kept, "I21: a new version hides the item");
            }
        }
    }

    fn i22_panels_end_and_no_duty_dangles(&self) {
        for panel in self.panels() {
            let case = self.case(panel.case);
            let held = panel.held_duties().count();
            let taken = panel.seats.iter().filter(|seat| matches!(seat, Seat::Taken { .. })).count();
            let sealed = panel.seats.iter().filter(|seat| matches!(seat, Seat::Sealed { .. })).count();
            let on_bench = usize::from(matches!(panel.bench, Bench::Taken { .. }));
            assert_eq!(held, taken + on_bench, "I22: duties and places held differ");
            assert_eq!(sealed, panel.panel_readings().count(), "I22: a sealed seat without its reading");
            if over(case.status) {
                assert!(panel.ended() && held == 0, "I22: the case ended, its panel did not");
                assert!(
                    !State::Panel(panel.clone()).rows().iter().any(|row| matches!(row, Row::Seat(_))),
                    "I22: a seat is offered"
                );
                continue;
            }
            if witnessed(panel.origin) {
                let more = panel.weighed.iter().filter(|(weighed, _)| weighed.verdict == Verdict::Another).count();
                let planned = usize::from(panel.stopping.first()) + more;
                assert!(planned <= usize::from(panel.stopping.last()), "I22: more readings than the plan allows");
                let closed = panel.weighed.last().is_some_and(|(weighed, _)| weighed.verdict == Verdict::Closed);
                assert!(panel.seats.len() == planned || closed, "I22: a seat was lost");
                Self::weighed_as_planned(case, panel);
                let owed = panel.seats.iter().any(|seat| !matches!(seat, Seat::Sealed { .. }));
                let reading = matches!(panel.status, PanelStatus::Planned | PanelStatus::Reading);
                assert_eq!(owed, reading, "I22: all readings are in, or one is owed");
                assert_eq!(
                    reading,
                    matches!(case.status, CaseStatus::Ready | CaseStatus::Reading),
                    "I22: case and panel differ"
                );
                let offered =
                    State::Panel(panel.clone()).rows().iter().filter(|row| matches!(row, Row::Seat(_))).count();
                let whole = if panel.laid_at.is_some() { taken + sealed } else { panel.seats.len() };
                assert_eq!(offered + taken + sealed, whole, "I22: an open seat is not offered, or one of a showing is");
            }
            assert_eq!(
                panel.bench != Bench::Closed,
                case.status == CaseStatus::Adjudicating,
                "I22: a bench without its case"
            );
        }
        for member in self.members() {
            let duties =
                self.panels().flat_map(Panel::held_duties).filter(|record| record.person == member.person).count()
                    + self.reviews().filter_map(Review::holder).filter(|held| held.person == member.person).count();
            assert_eq!(usize::try_from(member.load).unwrap(), duties, "I22: the load is not the number of duties");
            assert!(member.active || duties == 0, "I22: somebody who is gone holds a duty");
        }
    }

    /// What failed a review before the client had it goes no further before it was mended and looked at again, and rounds end.
    fn i7_what_failed_is_looked_at_again(&self) {
        let ended = self.case_events().any(|(_, event)| matches!(event, CaseEvent::ReworkEnded { .. }));
        for (case, event) in self.case_events() {
            match event {
                CaseEvent::Delivered { .. } | CaseEvent::SignoffRequested { .. } => {
                    assert!(case.rework.is_none(), "I7: it failed a review, and went on unseen");
                }
                CaseEvent::ReworkOwed { round, .. } | CaseEvent::ReworkDrawn { round, .. } => {
                    assert!(*round <= 2, "I22: mended and reviewed without end");
                }
                CaseEvent::ReviewEnded { kind: ReviewKind::Quality, passed: false, .. } if case.delivery.is_none() => {
                    assert!(ended || case.rework.is_some(), "I7: it failed, and nobody is to look at it again");
                }
                _ => {}
            }
        }
        for review in self.reviews().filter(|review| review.of_rework()) {
            let lot = self.lot(review.lot);
            let failed = lot.cases.get(&review.case).is_some_and(|place| *place != Place::Undrawn);
            assert!(failed, "a look at mended work before a first one");
        }
    }

    fn i7_nothing_leaves_with_a_review_open(&self) {
        for (case, event) in self.case_events() {
            let CaseEvent::Delivered { .. } = event else { continue };
            let open = self
                .reviews()
                .any(|review| review.case == case.case && review.kind == ReviewKind::Quality && review.status.waits());
            assert!(!open, "I7: delivered with a review open");
            let Some(lot) = case.lot.map(|lot| self.lot(lot)) else { continue };
            let unreviewed = matches!(lot.cases.get(&case.case), Some(Place::Undrawn | Place::Pending));
            assert!(lot.status != LotStatus::Rejected || !unreviewed, "I7: delivered unreviewed from a rejected lot");
        }
    }

    /// Of two reviews of one content nothing moves and nothing is told before both are finished, two people make them, and the
    /// stricter one holds.
    fn i2_a_second_review_is_blind_and_the_stricter_one_holds(&self) {
        for review in self.reviews() {
            let Some(twin) = review.twin.map(|twin| self.review(twin)) else { continue };
            assert_eq!((twin.twin, twin.case, twin.place == review.place), (Some(review.review), review.case, false));
            let (Some(one), Some(other)) = (&review.finish, &twin.finish) else { continue };
            assert_ne!(one.natural, other.natural, "I3: one human being looked twice");
            assert_eq!(one.content, other.content, "two looks at different work");
        }
        for (review, event) in self.review_events() {
            let Some(twin) = review.twin.map(|twin| self.review(twin)) else { continue };
            match event {
                ReviewEvent::Finished { .. } if twin.status.waits() => {
                    let told =
                        self.act.decision.events.iter().any(|(stream, _)| {
                            matches!(stream, StreamId::Case(_) | StreamId::Panel(_) | StreamId::Lot(_))
                        });
                    assert!(!told, "I2: the first finding shows while the second reviewer looks");
                }
                ReviewEvent::Finished { passed, .. } => {
                    let passed = *passed && twin.finish.as_ref().is_none_or(|finish| finish.passed);
                    let place = self.lot(review.lot).cases.get(&review.case).copied();
                    assert_eq!(place, Some(if passed { Place::Passed } else { Place::Failed }), "the milder one held");
                }
                ReviewEvent::Rebutted { .. } => assert!(!twin.status.waits(), "I2: answered before both had looked"),
                ReviewEvent::Ruled { natural, .. } => {
                    assert!(!twin.done_by(*natural), "I3: who looked at it too decides on the finding");
                }
                _ => {}
            }
        }
    }

    fn i22_reviews_and_lots_end(&self) {
        for review in self.reviews() {
            let case = self.case(review.case);
            assert!(case.reviews.contains(&review.review), "I22: a review that its case does not know");
            assert_eq!(review.holder().is_some(), review.status == ReviewStatus::Taken, "I22: held and not taken");
            if case.status == CaseStatus::Cancelled {
                assert!(!review.status.waits(), "I22: the case was called off, its review waits");
            }
            let held = case.holds.contains(&review.review) && case.status != CaseStatus::Cancelled;
            let other = review.twin.is_some_and(|twin| self.review(twin).status.waits());
            assert!(!held || review.status.waits() || other, "I22: a finished review holds its case");
        }
        for case in self.cases().filter(|case| case.status == CaseStatus::InReview) {
            let waits = |review: &remit_kernel::id::ReviewId| self.review(*review).status.waits();
            assert!(case.holds.iter().any(waits), "I22: in review, and nobody is to review it");
        }
        for lot in self.lots() {
            let pending = |case: &CaseId| {
                self.reviews().any(|review| {
                    let first = review.kind == ReviewKind::Quality && !review.of_rework();
                    review.case == *case && first && review.status.waits()
                })
            };
            for (case, place) in &lot.cases {
                assert_eq!(*place == Place::Pending, pending(case), "I22: lot and review differ");
                assert_eq!(self.case(*case).lot, Some(lot.lot), "I22: in a lot that the case does not know");
            }
            let complete = lot.failures(&lot.sampled()).is_some();
            assert!(lot.status != LotStatus::Judging || !complete, "I22: the sample is reviewed, the lot not judged");
            let undrawn = lot.at(Place::Undrawn).next().is_some();
            assert!(!lot.screened || !undrawn, "I22: screened, and a case was left out");
        }
    }

    fn i23_the_draw_is_bound_before_and_follows_its_seed(&self) {
        for (stream, event) in &self.act.decision.events {
            if let (StreamId::Lot(lot), Event::Lot(LotEvent::Closed { seed, .. })) = (stream, event) {
                let seed = Seed(*seed.bytes());
                assert_eq!(seed.commitment(), self.lot(*lot).commitment, "I23: another seed than the committed one");
            } else {
                let body = event.write().1;
                let secret = |seed: &Seed| body.contains(&Digest::from_bytes(seed.0).to_string());
                assert!(!self.world.seeds.values().any(secret), "I23: an event tells a seed");
            }
        }
        for (case, event) in self.case_events() {
            let CaseEvent::Drawn { lot, risks, causes, review, in_house, second } = event else { continue };
            assert!(case.resolution.is_some(), "I23: drawn before it was decided");
            let (seed, lot) = (&self.world.seeds[lot], self.lot(*lot));
            let plan = case.admission.as_ref().and_then(|admission| admission.plan.review.as_ref()).expect("a plan");
            assert_eq!(*causes, lot::causes(plan, lot.mode, seed, case.case, risks), "I23: drawn by another seed");
            assert_eq!(review.is_some(), !causes.is_empty(), "I23: drawn and not reviewed");
            assert_eq!(in_house.is_some(), lot::in_house(plan, seed, case.case), "I23: the client's draw differs");
            let twice = causes.contains(&DrawCause::Random) && seed.draws(case.case, "second", plan.second);
            assert_eq!(second.is_some(), twice, "I23: the draw for a second reviewer differs");
        }
    }

    /// A sequential panel that stopped says why, and the reason is true; one reading decides where that was signed.
    fn weighed_as_planned(case: &Case, panel: &Panel) {
        let readings = panel.panel_readings().count();
        let plan = case.admission.as_ref().map(|admission| &admission.plan);
        if panel.status == PanelStatus::Single {
            let allowed = plan.is_some_and(|plan| plan.single_allowed.contains(&case.case_type));
            assert!(allowed, "one reading decided a case of a type that is not named");
        }
        let Stopping::Sequential { readings_min, readings_max, error_max } = panel.stopping else {
            assert!(panel.weighed.is_empty(), "a fixed number of readings was weighed");
            return;
        };
        let Some((weighed, _)) = panel.weighed.last().filter(|_| !panel.waits_for_readers()) else { return };
        assert_eq!(
            (usize::from(weighed.readings), weighed.error_max),
            (readings, error_max),
            "weighed by another plan"
        );
        assert!((readings_min..=readings_max).contains(&weighed.readings), "stopped outside the plan");
        let fits = match weighed.verdict {
            Verdict::Another => false,
            Verdict::Enough => weighed.error.is_some_and(|error| error <= error_max),
            Verdict::Cap => weighed.error.is_some_and(|error| error > error_max) && weighed.readings == readings_max,
            Verdict::Closed => weighed.error.is_none_or(|error| error > error_max),
            Verdict::Uncalibrated => weighed.error.is_none() && weighed.model.is_none(),
        };
        assert!(fits, "the reason for stopping is not true: {weighed:?}");
        let outvoted = panel.status == PanelStatus::Outvoted;
        assert!(!outvoted || (readings >= 3 && weighed.verdict == Verdict::Enough), "outvoted without ground");
    }

    fn i28_no_duty_survives_a_new_conflict(&self) {
        for (case, event) in self.case_events() {
            let CaseEvent::PartyAdded { party } = event else { continue };
            let Some(panel) = self.panel(case.case) else { continue };
            let of_case = self.reviews().filter(|review| review.case == case.case).filter_map(Review::holder);
            let holders = panel.held_duties().map(|record| record.person).chain(of_case.map(|held| held.person));
            let barred = holders.into_iter().any(|holder| self.person(holder).conflicts.contains(party));
            assert!(!barred, "I28: a duty stays with somebody who has an interest");
        }
    }

    fn i33_time_and_author_come_from_the_server(&self) {
        for (panel, event) in self.panel_events() {
            match event {
                PanelEvent::ReadingSealed { reading } | PanelEvent::SuggestionRecorded { reading } => {
                    let kept = panel.readings.iter().find(|known| known.reading == reading.reading).expect("I33: kept");
                    assert_eq!(kept.sealed_at, Some(self.world.now), "I33: sealed at another time");
                    match &reading.provenance {
                        Provenance::Witnessed { .. } => {
                            assert_eq!(Some(reading.reader), self.actor(), "I33: sealed for another");
                            assert_eq!(reading.part, Part::Panel);
                        }
                        Provenance::Imported { .. } => {
                            assert!(!witnessed(panel.origin), "I33: a claim in a witnessed panel");
                        }
                    }
                }
                PanelEvent::Challenged { by, natural, cause: Cause::Review, .. } => {
                    // Of two reviewers the first one's finding waits for the second.
                    let found = |review: &Review| review.case == panel.case && review.done_by(*natural);
                    assert!(Some(*by) == self.actor() || self.reviews().any(found), "I33: found by another");
                }
                PanelEvent::Adjudicated { by, .. } | PanelEvent::Challenged { by, .. } => {
                    assert_eq!(Some(*by), self.actor(), "I33: decided for another");
                }
                PanelEvent::SeatTaken { by, .. } => assert_eq!(Some(*by), self.actor(), "I33: taken for another"),
                _ => {}
            }
        }
        for (_, event) in self.case_events() {
            if let CaseEvent::Signed { by, .. } | CaseEvent::Delivered { by, .. } | CaseEvent::Accepted { by, .. } =
                event
            {
                assert_eq!(Some(*by), self.actor(), "I33: signed for another");
            }
        }
    }
}

/// Returns the readings that people made.
fn human(panel: &Panel) -> impl Iterator<Item = &Reading> {
    panel.readings.iter().filter(|reading| reading.part != Part::Ai)
}
