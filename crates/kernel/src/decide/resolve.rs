//! Decisions between readings, and what follows once a case is decided.

use super::{Deciding, Done};
use crate::{
    case::{Case, CaseEvent, Decided, DecidedBy},
    command::JudgementIn,
    engagement::MemberEvent,
    form::{Answer, Judgement},
    hash::Digest,
    id::{CaseId, EngagementId, ReadingId},
    index::CaseStatus,
    pack::{Duty, Pack},
    panel::{Bench, Comparison, Panel, PanelEvent, compare},
    refusal::{Reason, Refusal, code},
};

use super::reading::{barred, why_not};

impl Deciding<'_> {
    pub(super) fn take_adjudication(&mut self, engagement: EngagementId, id: CaseId) -> Done {
        self.working(engagement, id)?;
        let person = self.actor()?;
        Refusal::unless_empty(why_not(self.facts, id, person, Duty::Adjudicate, self.ctx.now))?;
        let mut panel = self.facts.panel(id)?.clone();
        let natural = self.member(person)?.natural;
        let order = self.shuffled(&panel);
        let assignment = self.new_id();
        self.push_panel(&mut panel, PanelEvent::AdjudicatorTook { assignment, person, natural, order });
        self.push_member(person, MemberEvent::DutyTaken { case: id, duty: Duty::Adjudicate });
        Ok(())
    }

    /// Imported disputes may be adjudicated in an engagement that has not gone live.
    fn working(&self, engagement: EngagementId, id: CaseId) -> Result<(), Reason> {
        if self.facts.case(id)?.imported() {
            self.facts.engagement(engagement).map(drop)
        } else {
            self.live(engagement).map(drop)
        }
    }

    /// Returns the panel readings in a random order, so that place tells nothing of who or when (I4).
    fn shuffled(&self, panel: &Panel) -> Vec<ReadingId> {
        let chance = self.ctx.chance("order", 0);
        let mut order: Vec<_> = panel.panel_readings().map(|reading| reading.reading).collect();
        order.sort_by_key(|reading| Digest::of_parts(&[&chance, reading.to_string().as_bytes()]));
        order
    }

    pub(super) fn adjudicate(&mut self, engagement: EngagementId, id: CaseId, given: &JudgementIn) -> Done {
        self.working(engagement, id)?;
        let by = self.actor()?;
        let (case, mut panel) = (self.case_in(id, &[CaseStatus::Adjudicating])?, self.facts.panel(id)?.clone());
        let natural = match panel.bench {
            Bench::Taken { person, natural, .. } if person == by => natural,
            Bench::Closed | Bench::Open | Bench::Taken { .. } => {
                return Err(Reason::rule(code::SEAT_NOT_YOURS, id, "you have not taken this dispute")
                    .hint("Take it from the list of disputes first; another adjudicator may have it.")
                    .invariant("I35")
                    .into());
            }
        };
        self.in_force(&case)?;
        Refusal::unless_empty(barred(self.facts, &case, by, Duty::Adjudicate, self.ctx.now))?;
        let pack = self.pack_of(&case)?;
        let judgement = self.judgement(given)?;
        pack.form.check(&judgement, &case.citable(), false)?;
        let reading = self.new_id();
        self.push_panel(&mut panel, PanelEvent::Adjudicated { reading, by, natural, judgement: judgement.clone() });
        self.push_member(by, MemberEvent::DutyEnded { case: id, duty: Duty::Adjudicate });
        self.resolve(case, &panel, &pack, judgement, DecidedBy::Adjudicator(by))
    }

    /// Records the answer of a case, lets it be drawn for review, and asks for the signature where the plan wants one and no
    /// review comes first.
    pub(super) fn resolve(
        &mut self,
        mut case: Case,
        panel: &Panel,
        pack: &Pack,
        outcome: Judgement,
        by: DecidedBy,
    ) -> Done {
        let decided = Decided { by, changed_after_agreement: changed(pack, panel, &outcome) };
        let deliverable = (!case.imported()).then(|| self.keep(&words(pack, panel, &outcome)));
        let content = case.content(&outcome, deliverable.as_ref());
        let signoff = case.admission.as_ref().is_some_and(|admission| admission.plan.signoff) && !case.imported();
        self.push_case(&mut case, CaseEvent::Resolved { outcome, decided, deliverable, content });
        let held = self.draw(&mut case, panel)?;
        if signoff && !held {
            self.request_signoff(&mut case, content);
        }
        Ok(())
    }

    pub(super) fn request_signoff(&mut self, case: &mut Case, content: Digest) {
        let signoff = self.new_id();
        self.push_case(case, CaseEvent::SignoffRequested { signoff, content });
    }
}

/// Returns whether the readers had agreed and the answer is now another one on a deciding question.
fn changed(pack: &Pack, panel: &Panel, outcome: &Judgement) -> bool {
    if !panel.agreed || panel.challenges.is_empty() {
        return false;
    }
    let first = panel.panel_readings().next().map(|reading| &reading.judgement);
    first.is_some_and(|first| matches!(compare(&pack.form, &[first, outcome]), Comparison::Disputed(_)))
}

/// Returns the first words of a deliverable: each question with its answer, and when a sequential panel stopped. The owner
/// may put them better.
fn words(pack: &Pack, panel: &Panel, outcome: &Judgement) -> String {
    let mut words = String::new();
    for question in &pack.form.questions {
        let Some(answer) = outcome.answers.get(&question.key) else { continue };
        let answer = question.words(answer).unwrap_or_else(|| match answer {
            Answer::Span(_) => "see the passages cited".to_owned(),
            Answer::Choice(_) | Answer::Grade(_) | Answer::Multi(_) | Answer::Number(_) | Answer::Text(_) => {
                "see the answer in the judgement".to_owned()
            }
        });
        words.push_str(&question.title);
        words.push_str("\n  ");
        words.push_str(&answer);
        words.push('\n');
    }
    // How often it was read stands in what is signed, where that was not fixed beforehand.
    if let Some((weighed, _)) = panel.weighed.last() {
        words.push_str("How it was read\n  ");
        words.push_str(&weighed.sentence());
        words.push('\n');
        for question in pack.form.compared_alone().filter(|_| weighed.error.is_some()) {
            words.push_str("  Compared, not estimated: ");
            words.push_str(&question.title);
            words.push('\n');
        }
    }
    words
}
