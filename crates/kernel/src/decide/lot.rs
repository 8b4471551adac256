//! Decisions on lots: the draw after a case is decided, the end of the week, the judgement and what follows from it.

use std::collections::BTreeSet;

use super::{Deciding, Done, directory::NOTE_CHARS_MAX};
use crate::{
    case::{Case, CaseEvent, DecidedBy, DrawCause},
    hash::Digest,
    id::{CaseId, LineId, LotId, ReviewId},
    index::{LotStatus, Origin, ReviewKind},
    lot::{self, Lot, LotEvent, Mode, Place, Sampler, SamplerEvent, Seed},
    pack::{LOW_CONFIDENCE, NEW_DAYS, ReviewPlan, Risk},
    panel::Panel,
    refusal::{Reason, code},
    review::ReviewEvent,
    stream::{Event, StreamId},
    time::Instant,
};

/// For so long a drawn review is in time.
const REVIEW_SECONDS: i64 = 3 * 86_400;

impl Deciding<'_> {
    /// Lets a decided case join the lot of its week and draw its numbers. Returns whether a review holds it.
    ///
    /// A case joins once: what it becomes after a review, a finding or a return is not drawn again. What failed a review is
    /// looked at again once it is mended, and counts in no lot. A showing of gold joins none: it is no work.
    pub(super) fn draw(&mut self, case: &mut Case, panel: &Panel) -> Result<bool, Reason> {
        if self.draw_rework(case) {
            return Ok(true);
        }
        let Some(admission) = case.admission.clone() else { return Ok(false) };
        let work = case.origin == Origin::Witnessed && case.showing.is_none();
        let Some(plan) = admission.plan.review.filter(|_| work && case.lot.is_none()) else { return Ok(false) };
        let (mut lot, seed) = self.open_lot(admission.line, &case.case_type, &plan)?;
        let risks = self.risks(case, panel);
        let causes = lot::causes(&plan, lot.mode, &seed, case.case, &risks);
        let review = (!causes.is_empty()).then(|| self.new_id());
        let in_house = lot::in_house(&plan, &seed, case.case).then(|| self.new_id());
        let second = lot::second(&plan, &seed, case.case, &causes).then(|| self.new_id());
        let drawn = review.is_some();
        self.push_case(
            case,
            CaseEvent::Drawn { lot: lot.lot, risks, causes: causes.clone(), review, in_house, second },
        );
        self.push_lot(&mut lot, LotEvent::Joined { case: case.case, drawn });
        for (review, twin) in [(review, second), (second, review)] {
            if let Some(review) = review {
                self.draw_review(case, lot.lot, (review, ReviewKind::Quality), causes.clone(), twin);
            }
        }
        if let Some(review) = in_house {
            self.draw_review(case, lot.lot, (review, ReviewKind::InHouse), [DrawCause::Random].into(), None);
        }
        Ok(drawn)
    }

    /// Lets somebody look again at what was mended, if a review had failed it. Returns whether a review holds it.
    ///
    /// ISO 2859-1 (2.1) counts lots of first submissions: a resubmitted item changes neither the sample nor what was found in
    /// it. Whoever found the words wanting may look
    /// again: she knows what was wrong, and had no part in mending it. Where an adjudicator decided between the readers and her,
    /// she is party to it, and another one looks.
    pub(super) fn draw_rework(&mut self, case: &mut Case) -> bool {
        let round = case.rework.as_ref().filter(|rework| rework.review.is_none()).map(|rework| rework.round);
        let (Some(round), Some(lot)) = (round, case.lot) else { return false };
        let review = self.new_id();
        self.push_case(case, CaseEvent::ReworkDrawn { lot, review, round });
        self.draw_review(case, lot, (review, ReviewKind::Quality), [DrawCause::Rework].into(), None);
        true
    }

    fn draw_review(
        &mut self,
        case: &Case,
        lot: LotId,
        (review, sort): (ReviewId, ReviewKind),
        causes: BTreeSet<DrawCause>,
        twin: Option<ReviewId>,
    ) {
        let place = case.reviews.iter().position(|known| *known == review).map_or(0, |place| place + 1);
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let due_at = self.ctx.now.plus_seconds(REVIEW_SECONDS);
        let drawn = ReviewEvent::Drawn { review, case: case.case, lot, sort, causes, due_at, place, twin };
        self.events.push((StreamId::Review(review), Event::Review(drawn)));
    }

    /// Returns the lot that cases join now with its seed; opens one if there is none.
    fn open_lot(&mut self, line: LineId, case_type: &str, plan: &ReviewPlan) -> Result<(Lot, Seed), Reason> {
        let id = lot::sampler_of(line, case_type);
        let sampler = self.facts.samplers.get(&id);
        let current = sampler.and_then(|sampler| sampler.current).and_then(|lot| self.facts.lots.get(&lot));
        if let Some(lot) = current.filter(|lot| lot.joinable(self.ctx.now)) {
            let seed = self.seed(lot)?;
            return Ok((lot.clone(), seed));
        }
        let mut sampler = if let Some(sampler) = sampler {
            sampler.clone()
        } else {
            let began = SamplerEvent::Began { sampler: id, line, case_type: case_type.to_owned() };
            let begun = Sampler::apply(None, &began, self.ctx.now);
            self.events.push((StreamId::Sampler(id), Event::Sampler(began)));
            begun.ok_or_else(|| Reason::hidden(id))?
        };
        let lot: LotId = self.new_id();
        let seed = Seed(self.ctx.chance("lot seed", 0));
        self.push_sampler(&mut sampler, SamplerEvent::LotOpened { lot });
        let opened = LotEvent::Opened {
            lot,
            line,
            case_type: case_type.to_owned(),
            number: sampler.lots,
            ends_at: lot::week_end(self.ctx.now),
            commitment: seed.commitment(),
            mode: sampler.switching.mode,
            acceptance: plan.acceptance,
        };
        let state = Lot::apply(None, &opened, self.ctx.now).ok_or_else(|| Reason::hidden(lot))?;
        self.events.push((StreamId::Lot(lot), Event::Lot(opened)));
        self.seeds.push((lot, seed));
        Ok((state, seed))
    }

    /// Returns the secret seed of a lot; one that does not fit the commitment decides nothing.
    fn seed(&self, lot: &Lot) -> Result<Seed, Reason> {
        self.facts.seeds.get(&lot.lot).copied().filter(|seed| seed.commitment() == lot.commitment).ok_or_else(|| {
            Reason::rule(code::SEED_LOST, lot.lot, "the secret seed of this lot is not the one that was committed to")
                .hint("Restore the store from a backup: without the seed nothing can be drawn.")
                .invariant("I23")
        })
    }

    /// Returns the marks of a decided case that its plan may draw by.
    fn risks(&self, case: &Case, panel: &Panel) -> BTreeSet<Risk> {
        let by = case.resolution.as_ref().map(|resolution| resolution.decided.by);
        let unsure = panel
            .panel_readings()
            .any(|reading| reading.judgement.confidence.is_some_and(|confidence| confidence < LOW_CONFIDENCE));
        let new = |joined_at: Instant| self.ctx.now < joined_at.plus_seconds(NEW_DAYS * 86_400);
        let fresh = panel
            .panel_readings()
            .any(|reading| self.facts.members.get(&reading.reader).is_some_and(|member| new(member.joined_at)));
        let marks = [
            (Risk::Urgent, case.urgent),
            (Risk::LowConfidence, unsure),
            (Risk::SingleReading, by == Some(DecidedBy::Single)),
            (Risk::Adjudicated, matches!(by, Some(DecidedBy::Adjudicator(_)))),
            (Risk::NewExpert, fresh),
        ];
        marks.into_iter().filter(|(_, marked)| *marked).map(|(risk, _)| risk).collect()
    }

    /// Completes a lot whose week is over: opens its seed, draws what its sample lacks, judges it if all are reviewed.
    ///
    /// Once is enough: a lot that is complete stays as it is.
    pub(super) fn close_lot(&mut self, id: LotId) -> Done {
        let mut lot = self.facts.lots.get(&id).cloned().ok_or_else(|| Reason::hidden(id))?;
        if lot.status != LotStatus::Open {
            return Ok(());
        }
        if lot.joinable(self.ctx.now) {
            return Err(Reason::rule(code::WRONG_STATE, id, "the week of this lot is not over")
                .hint("Its cases are still being decided.")
                .into());
        }
        let seed = self.seed(&lot)?;
        let size = u32::try_from(lot.cases.len()).unwrap_or(u32::MAX);
        let plan = lot.acceptance.and_then(|acceptance| lot::plan_for(acceptance, lot.mode, size));
        let (letter, sample, accept) =
            plan.map_or_else(Default::default, |plan| (plan.letter, plan.sample, plan.accept));
        let seed = Digest::from_bytes(seed.0);
        self.push_lot(&mut lot, LotEvent::Closed { seed, letter, sample, accept });
        let missing: Vec<_> =
            lot.sampled().into_iter().filter(|case| lot.cases.get(case) == Some(&Place::Undrawn)).collect();
        for case in missing {
            self.select(&mut lot, case, DrawCause::Sample)?;
        }
        self.judge(&mut lot)
    }

    /// Draws the next cases of a rejected lot that nobody has drawn; called again until none is left.
    pub(super) fn screen_lot(&mut self, id: LotId) -> Done {
        let mut lot = self.facts.lots.get(&id).cloned().ok_or_else(|| Reason::hidden(id))?;
        if lot.status != LotStatus::Rejected || lot.screened {
            return Ok(());
        }
        let next: Vec<_> = lot.at(Place::Undrawn).take(lot::SCREENED_MAX).collect();
        for case in next {
            self.select(&mut lot, case, DrawCause::Rejected)?;
        }
        if lot.at(Place::Undrawn).next().is_none() {
            self.push_lot(&mut lot, LotEvent::Screened {});
        }
        Ok(())
    }

    fn select(&mut self, lot: &mut Lot, id: CaseId, cause: DrawCause) -> Done {
        let mut case = self.facts.case(id)?.clone();
        let review = self.new_id();
        self.push_case(&mut case, CaseEvent::Selected { lot: lot.lot, cause, review });
        self.push_lot(lot, LotEvent::Selected { case: id });
        self.draw_review(&case, lot.lot, (review, ReviewKind::Quality), [cause].into(), None);
        Ok(())
    }

    /// Records in the lot what became of a case, and judges the lot if that was the last of its sample.
    pub(super) fn tell_lot(&mut self, id: Option<LotId>, event: LotEvent) -> Done {
        let Some(mut lot) = id.and_then(|id| self.facts.lots.get(&id)).cloned() else { return Ok(()) };
        self.push_lot(&mut lot, event);
        self.judge(&mut lot)
    }

    fn judge(&mut self, lot: &mut Lot) -> Done {
        if lot.status != LotStatus::Judging {
            return Ok(());
        }
        let Some(found) = lot.failures(&lot.sampled()) else { return Ok(()) };
        let accepted = found <= lot.accept;
        self.push_lot(lot, LotEvent::Judged { found, accepted });
        let id = lot::sampler_of(lot.line, &lot.case_type);
        let mut sampler = self.facts.samplers.get(&id).cloned().ok_or_else(|| Reason::hidden(id))?;
        // A lot that was opened before the mode changed is judged as it was opened, and moves nothing.
        let switching = if sampler.switching.mode == lot.mode {
            sampler.switching.after(lot, found, accepted)
        } else {
            sampler.switching.clone()
        };
        self.push_sampler(&mut sampler, SamplerEvent::LotJudged { lot: lot.lot, accepted, switching });
        Ok(())
    }

    /// Lets sampling begin again, strictly, after it was discontinued: the client's to decide.
    pub(super) fn resume_sampling(&mut self, line: LineId, case_type: &str, note: &str) -> Done {
        let by = self.actor()?;
        let id = lot::sampler_of(line, case_type);
        let mut sampler = self.facts.samplers.get(&id).cloned().ok_or_else(|| Reason::hidden(line))?;
        if sampler.switching.mode != Mode::Discontinued {
            return Err(Reason::rule(code::WRONG_STATE, line, "sampling goes on")
                .hint("Only what was discontinued can begin again.")
                .into());
        }
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        self.push_sampler(&mut sampler, SamplerEvent::Resumed { by, note });
        Ok(())
    }

    fn push_lot(&mut self, lot: &mut Lot, event: LotEvent) {
        if let Some(next) = Lot::apply(Some(lot.clone()), &event, self.ctx.now) {
            *lot = next;
        }
        self.events.push((StreamId::Lot(lot.lot), Event::Lot(event)));
    }

    fn push_sampler(&mut self, sampler: &mut Sampler, event: SamplerEvent) {
        if let Some(next) = Sampler::apply(Some(sampler.clone()), &event, self.ctx.now) {
            *sampler = next;
        }
        self.events.push((StreamId::Sampler(sampler.sampler), Event::Sampler(event)));
    }
}
