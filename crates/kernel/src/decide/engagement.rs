//! Decisions on engagements, statements of work and members.

use std::collections::BTreeSet;

use super::{Deciding, Done, check_country, check_jurisdiction};
use crate::{
    case::CaseEvent,
    command::LineIn,
    engagement::{Engagement, EngagementEvent, LineKind, MemberEvent, Sow, SowEvent, SowLine, SowStatus},
    id::{CaseId, EngagementId, OrgId, PersonId, SowId},
    index::EngagementStatus,
    lot::LIMITS,
    model::MILLION,
    pack::{Duty, Plan, ReviewPlan, Stopping, WHOLE},
    panel::Release,
    refusal::{Reason, Refusal, code},
    role::{Role, Side},
    routing::{self, role_of},
    stream::{Event, StreamId},
    time::Date,
};

/// Most blind readings of a case.
const READINGS_MAX: u8 = 9;
/// Most lines of a statement of work.
const LINES_MAX: usize = 100;
/// Most duties or owned cases that one removal moves; more would make one act too large.
const MOVED_MAX: usize = 500;
/// Longest time in which an author may answer.
const REBUTTAL_DAYS_MAX: u32 = 90;
/// Largest capacity of a member.
const CAPACITY_MAX: u32 = 10_000;

impl Deciding<'_> {
    pub(super) fn draft_engagement(
        &mut self,
        engagement: EngagementId,
        name: &str,
        client: OrgId,
        provider: OrgId,
        managers: &[(PersonId, Side)],
    ) -> Done {
        let mut reasons = Vec::new();
        for (field, org) in [("client", client), ("provider", provider)] {
            if !self.facts.organisations.contains_key(&org) {
                reasons.push(
                    Reason::field(code::FIELD_INVALID, field, format!("`{org}` is not an organisation here"))
                        .hint("Add the organisation first."),
                );
            }
        }
        if managers.is_empty() {
            reasons
                .push(Reason::field(code::FIELD_INVALID, "managers", "nobody is named").hint("Name who will run it."));
        }
        for (person, _) in managers {
            if !self.facts.people.get(person).is_some_and(|known| known.active) {
                reasons.push(
                    Reason::field(code::FIELD_INVALID, "managers", format!("`{person}` is not a person here"))
                        .hint("Add the person first."),
                );
            }
        }
        Refusal::unless_empty(reasons)?;
        let name = self.keep_checked("name", name, 200)?;
        self.push_engagement(engagement, EngagementEvent::Drafted { engagement, name, client, provider });
        let people: BTreeSet<_> = managers.iter().map(|(person, _)| *person).collect();
        for person in people {
            let sides: BTreeSet<_> = managers.iter().filter(|(who, _)| *who == person).map(|(_, side)| *side).collect();
            let side = if sides.contains(&Side::Provider) { Side::Provider } else { Side::Client };
            let roles = sides.iter().map(|side| manager_of(*side)).collect();
            let natural = self.facts.person(person)?.natural;
            self.push_member(person, MemberEvent::Added { person, natural, side, roles, capacity: 20 });
        }
        Ok(())
    }

    pub(super) fn draft_sow(
        &mut self,
        engagement: EngagementId,
        term: (Date, Date),
        names_people: bool,
        lines: &[LineIn],
    ) -> Done {
        let lines = self.sow_lines(term, names_people, lines)?;
        let number = 1 + self.newest(engagement)?.map_or(0, |sow| sow.number);
        let sow = self.new_id();
        self.push_sow(sow, SowEvent::Drafted { sow, number, starts_on: term.0, ends_on: term.1, names_people, lines });
        Ok(())
    }

    pub(super) fn revise_sow(&mut self, sow: SowId, term: (Date, Date), names_people: bool, lines: &[LineIn]) -> Done {
        self.sow_in(sow, SowStatus::Draft)?;
        let lines = self.sow_lines(term, names_people, lines)?;
        self.push_sow(sow, SowEvent::Revised { starts_on: term.0, ends_on: term.1, names_people, lines });
        Ok(())
    }

    pub(super) fn propose_sow(&mut self, sow: SowId) -> Done {
        self.sow_in(sow, SowStatus::Draft)?;
        let by = self.actor()?;
        self.push_sow(sow, SowEvent::Proposed { by });
        Ok(())
    }

    fn sow_lines(&mut self, term: (Date, Date), names_people: bool, given: &[LineIn]) -> Result<Vec<SowLine>, Refusal> {
        let mut reasons = Vec::new();
        if names_people && given.iter().all(|line| line.kind == LineKind::History) {
            reasons.push(
                Reason::field(
                    code::FIELD_INVALID,
                    "names_people",
                    "one side alone signs a statement of work for history, and naming people takes both",
                )
                .hint("Name people in the statement of work by which cases come in."),
            );
        }
        if term.1 < term.0 {
            reasons.push(
                Reason::field(
                    code::FIELD_INVALID,
                    "ends_on",
                    format!("it would end on {}, before it starts on {}", term.1, term.0),
                )
                .hint("Check the two dates."),
            );
        }
        if given.is_empty() || given.len() > LINES_MAX {
            reasons.push(
                Reason::field(
                    code::FIELD_INVALID,
                    "lines",
                    format!("{} lines are given, wanted are 1 to {LINES_MAX}", given.len()),
                )
                .hint("Name at least one service."),
            );
        }
        let mut lines = Vec::new();
        for (place, line) in given.iter().enumerate() {
            self.check_line(place + 1, line, &mut reasons);
            let Some(pack) = self.facts.packs.get(&line.pack.digest) else { continue };
            lines.push(SowLine {
                line: self.new_id(),
                clause: line.clause.clone(),
                service: line.service.clone(),
                kind: line.kind,
                includes: line.includes.clone(),
                excludes: line.excludes.clone(),
                jurisdictions: line.jurisdictions.clone(),
                places: line.places.clone(),
                volume_max: line.volume_max,
                price_minor: line.price_minor,
                currency: line.currency.clone(),
                revisions_max: line.revisions_max,
                pack: line.pack.clone(),
                plan: line.plan.clone().unwrap_or_else(|| pack.plan.clone()),
            });
        }
        Refusal::unless_empty(reasons)?;
        Ok(lines)
    }

    fn check_line(&self, number: usize, line: &LineIn, reasons: &mut Vec<Reason>) {
        let field = |name: &str| format!("lines[{number}].{name}");
        for (name, text) in [("clause", &line.clause), ("service", &line.service)] {
            reasons.extend(super::check_text(&field(name), text, 200).err());
        }
        reasons.extend(line.places.iter().filter_map(|place| check_country(&field("places"), place).err()));
        reasons.extend(
            line.jurisdictions.iter().filter_map(|place| check_jurisdiction(&field("jurisdictions"), place).err()),
        );
        if line.currency.len() != 3 || !line.currency.chars().all(|character| character.is_ascii_uppercase()) {
            reasons.push(
                Reason::field(code::FIELD_INVALID, field("currency"), format!("`{}` is not a currency", line.currency))
                    .hint("Use three capital letters, such as `GBP`."),
            );
        }
        if line.price_minor < 0 {
            reasons.push(
                Reason::field(code::FIELD_INVALID, field("price_minor"), "a price is not negative")
                    .hint("Give the price in minor units."),
            );
        }
        let Some(pack) = self.facts.packs.get(&line.pack.digest) else {
            reasons.push(
                Reason::field(
                    code::PACK_UNKNOWN,
                    field("pack"),
                    format!("pack `{}` {} is not in this installation", line.pack.name, line.pack.version),
                )
                .hint("See the packs under Knowledge, or check one with `remit pack check`."),
            );
            return;
        };
        let unknown = line.includes.iter().find(|case_type| pack.case_type(case_type).is_none());
        if line.includes.is_empty() || unknown.is_some() {
            let known: Vec<_> = pack.case_types.iter().map(|case_type| case_type.key.as_str()).collect();
            reasons.push(
                Reason::field(
                    code::FIELD_INVALID,
                    field("includes"),
                    "the case types in scope must be those of the pack",
                )
                .hint(format!("Choose from: {}.", known.join(", "))),
            );
        }
        if line.kind == LineKind::Standard {
            check_plan(&field("plan"), line, line.plan.as_ref().unwrap_or(&pack.plan), reasons);
        }
        if let Some(review) = &line.plan.as_ref().unwrap_or(&pack.plan).review {
            check_review(&field("plan.review"), review, reasons);
        }
        let gold = line.plan.as_ref().unwrap_or(&pack.plan).gold;
        if let Some((what, hint)) = gold.and_then(|gold| gold.fault()) {
            reasons.push(Reason::field(code::FIELD_INVALID, field("plan.gold"), what).hint(hint));
        }
    }

    fn sow_in(&self, sow: SowId, wanted: SowStatus) -> Result<&Sow, Reason> {
        let known = self.facts.sow(sow)?;
        if known.status == wanted {
            return Ok(known);
        }
        let reason = if wanted == SowStatus::Draft {
            Reason::rule(
                code::SOW_IMMUTABLE,
                sow,
                "this version was laid before the other side and never changes again",
            )
            .hint("Write a new version.")
            .invariant("I13")
        } else {
            Reason::rule(code::WRONG_STATE, sow, format!("this version is {}", known.status.word().replace('_', " ")))
                .hint("Reload the engagement to see what can be done now.")
        };
        Err(reason)
    }

    /// Returns the version that was signed last, whether or not it has begun.
    fn newest(&self, engagement: EngagementId) -> Result<Option<&Sow>, Reason> {
        let known = self.facts.engagement(engagement)?;
        known.successor.or(known.baseline).map(|sow| self.facts.sow(sow)).transpose()
    }

    pub(super) fn sign_sow(&mut self, engagement: EngagementId, id: SowId) -> Done {
        let by = self.actor()?;
        let member = self.member(by)?;
        let sow = self.sow_in(id, SowStatus::Proposed)?.clone();
        // One person may manage both sides of a house's own engagement: each role signs for its side.
        let free = |side: &Side| {
            member.roles.contains(&manager_of(*side)) && !sow.signatures.iter().any(|(signed, ..)| signed == side)
        };
        if !Side::ALL.iter().any(|side| member.roles.contains(&manager_of(*side))) {
            return Err(Reason::rule(code::ROLE_MISSING, id, "only a manager signs for a side")
                .hint("Ask the client manager or the delivery manager to sign.")
                .into());
        }
        let Some(side) = [member.side].into_iter().chain(Side::ALL.iter().copied()).find(free) else {
            return Err(Reason::rule(code::WRONG_STATE, id, "your side has signed")
                .hint("It waits for the other side.")
                .into());
        };
        if sow.signatures.iter().any(|(_, _, natural)| *natural == member.natural) {
            return Err(Reason::rule(code::SAME_PERSON, id, "the two sides must be signed for by different people")
                .hint("Ask the manager of the other side to sign.")
                .invariant("I3")
                .into());
        }
        let history = sow.history_only();
        let number = 1 + self.newest(engagement)?.map_or(0, |before| before.number);
        if !history && sow.number != number {
            return Err(Reason::rule(code::WRONG_STATE, id, "another version took effect after this one was written")
                .hint("Write a new version on top of the one in force.")
                .invariant("I13")
                .into());
        }
        self.push_sow(id, SowEvent::Signed { side, by, natural: member.natural });
        // Past work promises nothing: one signature is enough.
        let both = sow.signatures.len() + 1 == Side::ALL.len();
        if !history && !both {
            return Ok(());
        }
        self.take_effect(engagement, &sow)
    }

    /// Puts a signed version in place. One that is signed ahead of its first day leaves the version in force until then.
    fn take_effect(&mut self, engagement: EngagementId, sow: &Sow) -> Done {
        let (known, id) = (self.facts.engagement(engagement)?.clone(), sow.sow);
        self.push_sow(id, SowEvent::TookEffect {});
        let (gone, event): (Vec<SowId>, _) = if sow.history_only() {
            (known.history.into_iter().collect(), EngagementEvent::HistorySet { sow: id })
        } else {
            let agreed = known.agreed(&self.facts.sows, self.ctx.now);
            match agreed.filter(|agreed| agreed.holds(self.ctx.now) && !sow.begun(self.ctx.now)) {
                None => (
                    known.baseline.into_iter().chain(known.successor).collect(),
                    EngagementEvent::BaselineSet { sow: id },
                ),
                Some(agreed) => {
                    if known.successor == Some(agreed.sow) {
                        self.push_engagement(engagement, EngagementEvent::BaselineSet { sow: agreed.sow });
                    }
                    let gone = known.baseline.into_iter().chain(known.successor).filter(|other| *other != agreed.sow);
                    (gone.collect(), EngagementEvent::SuccessorSet { sow: id })
                }
            }
        };
        for before in gone {
            self.push_sow(before, SowEvent::Superseded { successor: id });
        }
        self.push_engagement(engagement, event);
        Ok(())
    }

    pub(super) fn go_live(&mut self, id: EngagementId) -> Done {
        let by = self.actor()?;
        let engagement: &Engagement = self.facts.engagement(id)?;
        let mut reasons = Vec::new();
        match engagement.status {
            EngagementStatus::Draft => {}
            EngagementStatus::Live => reasons
                .push(Reason::rule(code::WRONG_STATE, id, "this engagement is live").hint("Nothing is left to do.")),
        }
        let agreed = engagement.agreed(&self.facts.sows, self.ctx.now).filter(|sow| sow.holds(self.ctx.now));
        if agreed.is_none() {
            reasons.push(
                Reason::rule(code::SOW_NOT_IN_FORCE, id, "no statement of work is in force today")
                    .hint("Both sides have to sign one first.")
                    .invariant("I1"),
            );
        }
        let needs_signer = agreed.is_some_and(|sow| sow.lines.iter().any(|line| line.plan.signoff));
        if needs_signer && self.facts.signers.is_empty() {
            reasons.push(
                Reason::rule(code::NO_SIGNER, id, "no signer is named, and the plan asks for sign-off")
                    .hint("Give a member the role `signer` under People."),
            );
        }
        Refusal::unless_empty(reasons)?;
        self.push_engagement(id, EngagementEvent::WentLive { by });
        Ok(())
    }

    pub(super) fn add_member(&mut self, id: PersonId, side: Side, roles: &BTreeSet<Role>, capacity: u32) -> Done {
        check_roles(side, roles, capacity, &BTreeSet::new())?;
        let person = self.facts.person(id)?;
        if !person.active {
            return Err(Reason::rule(code::PERSON_INACTIVE, id, format!("{} has left", self.facts.name(id)))
                .hint("Choose somebody who is with you now.")
                .into());
        }
        if self.facts.members.get(&id).is_some_and(|member| member.active) {
            return Err(Reason::rule(code::DUPLICATE, id, format!("{} is a member already", self.facts.name(id)))
                .hint("Change the roles instead.")
                .into());
        }
        let natural = person.natural;
        self.push_member(id, MemberEvent::Added { person: id, natural, side, roles: roles.clone(), capacity });
        Ok(())
    }

    /// Changes roles or capacity. Duties of a role that is gone are planned anew in the same act (I22).
    pub(super) fn change_member(&mut self, id: PersonId, roles: &BTreeSet<Role>, capacity: u32) -> Done {
        let member = self.member(id)?;
        check_roles(member.side, roles, capacity, &member.roles)?;
        self.movable(id)?;
        for case in &self.facts.duties {
            let held = self.facts.panel(*case)?.assignment_of(id);
            if held.is_some_and(|(_, duty)| !roles.contains(&role_of(duty))) {
                self.end_panel_duties(*case, id, Release::Barred, None)?;
            }
            if !roles.contains(&role_of(Duty::Review)) {
                self.end_reviews(*case, id, Release::Barred, None);
            }
        }
        self.push_member(id, MemberEvent::Changed { roles: roles.clone(), capacity });
        Ok(())
    }

    /// Takes a person out. No duty and no open case stays with somebody who is gone (I10, I22).
    pub(super) fn remove_member(&mut self, id: PersonId, successor: Option<PersonId>) -> Done {
        self.member(id)?;
        let by = self.actor()?;
        self.movable(id)?;
        if !self.facts.owned.is_empty() {
            let owned = self.facts.owned.len();
            let Some(to) = successor.filter(|to| *to != id) else {
                return Err(Reason::field(
                    code::SUCCESSOR_NEEDED,
                    "successor",
                    format!("{} owns {owned} open cases", self.facts.name(id)),
                )
                .hint("Name the member who takes them over.")
                .invariant("I10")
                .into());
            };
            for case in &self.facts.owned {
                self.check_owner("successor", to, &self.facts.case(*case)?.parties)?;
                self.change_owner(*case, to, "the owner left the engagement", by)?;
            }
        }
        for case in &self.facts.duties {
            self.end_duties(*case, id, Release::Barred, None)?;
        }
        self.leave_rounds(id, false)?;
        self.push_member(id, MemberEvent::Removed { successor });
        Ok(())
    }

    /// Checks that what a person leaves behind can move in one act.
    fn movable(&self, id: PersonId) -> Result<(), Reason> {
        if self.facts.duties.len() + self.facts.owned.len() <= MOVED_MAX {
            return Ok(());
        }
        let sentence = format!("more than {MOVED_MAX} duties and cases would move at once");
        Err(Reason::rule(code::TOO_MANY, id, sentence)
            .hint("Transfer cases and take seats back first, a part at a time."))
    }

    fn push_sow(&mut self, sow: SowId, event: SowEvent) {
        self.events.push((StreamId::Sow(sow), Event::Sow(event)));
    }

    /// Records that a case has another owner; it has exactly one at every instant (I10).
    pub(super) fn change_owner(&mut self, id: CaseId, to: PersonId, reason: &str, by: PersonId) -> Done {
        let mut case = self.facts.case(id)?.clone();
        let reason = self.keep_checked("reason", reason, 4_000)?;
        let from = case.owner;
        self.push_case(&mut case, CaseEvent::OwnerChanged { from, to, reason, by });
        Ok(())
    }

    /// Checks that a person may be accountable for a case.
    pub(super) fn check_owner(&self, field: &str, id: PersonId, parties: &BTreeSet<String>) -> Result<(), Reason> {
        let member = self.member(id)?;
        let (name, person) = (self.facts.name(id), self.facts.person(id)?);
        if !person.active {
            return Err(Reason::field(code::PERSON_INACTIVE, field, format!("{name} has left"))
                .hint("Choose somebody who is with you now."));
        }
        if let Some(conflict) = routing::conflict(&name, person, parties) {
            return Err(conflict);
        }
        if member.roles.contains(&Role::DeliveryManager) || member.roles.contains(&Role::Expert) {
            return Ok(());
        }
        Err(Reason::field(
            code::ROLE_MISSING,
            field,
            format!("{name} is neither a delivery manager nor an expert here"),
        )
        .hint("Name an owner on the provider's side who is."))
    }
}

/// Checks that shares are shares, and that the quality limit is one.
fn check_review(field: &str, review: &ReviewPlan, reasons: &mut Vec<Reason>) {
    let shares = [("random", review.random), ("in_house", review.in_house), ("second", review.second)];
    let risks = review.risks.iter().map(|(risk, share)| (risk.word(), *share));
    for (name, share) in shares.into_iter().chain(risks).filter(|(_, share)| *share > WHOLE) {
        reasons.push(
            Reason::field(code::FIELD_INVALID, format!("{field}.{name}"), format!("{share} basis points are no share"))
                .hint("Give basis points from 0 to 10000: 500 are 5 %."),
        );
    }
    if review.acceptance.is_some_and(|acceptance| !LIMITS.contains(&acceptance.aql)) {
        reasons.push(
            Reason::field(code::FIELD_INVALID, format!("{field}.acceptance.aql"), "this is not a quality limit").hint(
                "Give one of the standard's in basis points: 10, 15, 25, 40, 65, 100, 150, 250, 400, 650 or 1000.",
            ),
        );
    }
    if review.rebuttal_days > REBUTTAL_DAYS_MAX {
        reasons.push(
            Reason::field(code::FIELD_INVALID, format!("{field}.rebuttal_days"), "the time for an answer is too long")
                .hint("Give at most 90 days."),
        );
    }
}

fn manager_of(side: Side) -> Role {
    match side {
        Side::Client => Role::ClientManager,
        Side::Provider => Role::DeliveryManager,
    }
}

/// Checks roles and capacity. `held` are the roles held now: who manages both sides of a house's own engagement keeps
/// doing so.
fn check_roles(side: Side, roles: &BTreeSet<Role>, capacity: u32, held: &BTreeSet<Role>) -> Result<(), Refusal> {
    let mut reasons = Vec::new();
    if roles.is_empty() {
        reasons.push(Reason::field(code::FIELD_INVALID, "roles", "no role is given").hint("Give at least one."));
    }
    if roles.iter().any(|role| role.of_directory()) {
        reasons.push(
            Reason::field(
                code::FIELD_INVALID,
                "roles",
                "`operator` and `people_manager` hold in the directory, not in an engagement",
            )
            .hint("Leave them out here."),
        );
    }
    let other = manager_of(match side {
        Side::Client => Side::Provider,
        Side::Provider => Side::Client,
    });
    if roles.contains(&other) && !held.contains(&other) {
        reasons.push(
            Reason::field(code::FIELD_INVALID, "roles", format!("`{}` belongs to the other side", other.word()))
                .hint("Give the role to somebody of that side."),
        );
    }
    if capacity > CAPACITY_MAX {
        reasons.push(
            Reason::field(code::FIELD_INVALID, "capacity", format!("the capacity is above {CAPACITY_MAX}"))
                .hint("Give the number of cases held at a time."),
        );
    }
    Refusal::unless_empty(reasons)
}

/// Checks the stopping rule of a line: one reading alone decides only where the line names the case types.
fn check_plan(field: &str, line: &LineIn, plan: &Plan, reasons: &mut Vec<Reason>) {
    let invalid = |sentence: String, hint: &str| Reason::field(code::FIELD_INVALID, field, sentence).hint(hint);
    let (first, last) = (plan.stopping.first(), plan.stopping.last());
    if first == 0 || last < first || last > READINGS_MAX {
        reasons.push(invalid(
            format!("a panel of {first} to {last} readings cannot be planned"),
            "Plan one to nine readings, the fewest first.",
        ));
    }
    if let Stopping::Sequential { error_max, .. } = plan.stopping
        && !(1..MILLION).contains(&error_max)
    {
        reasons.push(invalid(
            "the limit is no chance of a wrong answer".to_owned(),
            "Give more than 0 % and less than 100 %, such as 1 %.",
        ));
    }
    if let Some(case_type) = plan.single_allowed.difference(&line.includes).next() {
        reasons.push(invalid(
            format!("a single reading is allowed for `{case_type}`, which the line does not include"),
            "Name case types of this line only.",
        ));
    }
    if first == 1 && plan.single_allowed.is_empty() {
        reasons.push(
            Reason::field(code::SINGLE_READING, field, "one reading alone would decide")
                .hint("Plan two blind readings, or name the case types for which both sides accept a single one."),
        );
    }
}
