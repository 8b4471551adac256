//! Decisions on precedents: what may guide, who says so, and when it no longer does.

use super::{Deciding, Done, directory::NOTE_CHARS_MAX, gold::knows};
use crate::{
    form::QuestionKey,
    gold::GoldStatus,
    id::{CaseId, PrecedentId},
    precedent::{Example, Precedent, PrecedentEvent, PrecedentStatus},
    refusal::{Reason, code},
};

impl Deciding<'_> {
    /// Proposes a decided case as guidance on one of its questions, in words that name nobody.
    pub(super) fn propose_precedent(
        &mut self,
        id: CaseId,
        question: &QuestionKey,
        text: &str,
        replaces: Option<PrecedentId>,
    ) -> Done {
        let (case, panel) = (self.facts.case(id)?.clone(), self.facts.panel(id)?.clone());
        let by = self.actor()?;
        let natural = self.member(by)?.natural;
        let pack = self.pack_of(&case)?;
        let outcome = case.resolution.as_ref().map(|resolution| &resolution.outcome);
        let Some(outcome) = outcome.filter(|_| panel.revealed() && case.showing.is_none()) else {
            return Err(Reason::rule(
                code::NOT_PRECEDENT,
                id,
                "this case has not been decided, or its readings are sealed",
            )
            .hint("Propose it once its panel is closed.")
            .invariant("I2")
            .into());
        };
        let gold = self.facts.golds.get(&id.gold()).map(|gold| gold.status);
        if matches!(gold, Some(GoldStatus::Proposed | GoldStatus::Active)) {
            return Err(Reason::rule(
                code::NOT_PRECEDENT,
                id,
                "this case measures readers: as guidance it would tell its answer",
            )
            .hint("Choose another case, or retire the gold case first.")
            .into());
        }
        if self.facts.precedents.get(&id.precedent()).is_some_and(Precedent::standing) {
            return Err(Reason::rule(code::DUPLICATE, id, "this case is a precedent, or has been proposed as one")
                .hint("See it under Knowledge.")
                .into());
        }
        let known = pack.form.question(question).zip(outcome.answers.get(question));
        let Some((_, answer)) = known else {
            return Err(Reason::field(code::QUESTION_UNKNOWN, "question", "the case has no answer to that question")
                .hint("Choose one of the questions that the case answers.")
                .into());
        };
        self.names_nobody(&case, text)?;
        if let Some(replaced) = replaces {
            let known = self.precedent_in(replaced, PrecedentStatus::InForce)?.example;
            if (&known.pack, &known.case_type, &known.question) != (&pack.name, &case.case_type, question) {
                return Err(Reason::field(
                    code::FIELD_INVALID,
                    "replaces",
                    "that precedent guides another question or another kind of case",
                )
                .hint("Replace guidance on the same question, or withdraw it under Knowledge.")
                .into());
            }
        }
        let text = self.keep_checked("text", text, NOTE_CHARS_MAX)?;
        let matter = Box::new(Example {
            pack: pack.name.clone(),
            case_type: case.case_type.clone(),
            fields: case.fields.clone(),
            question: question.clone(),
            answer: answer.clone(),
            text,
            replaces,
        });
        let involved = knows(&case, &panel).chain([natural]).collect();
        let precedent = id.precedent();
        self.push_precedent(precedent, PrecedentEvent::Proposed { precedent, matter, involved, by });
        Ok(())
    }

    /// Checks that guidance names neither the case nor a party: it is shown beside other matters.
    fn names_nobody(&self, case: &crate::case::Case, text: &str) -> Result<(), Reason> {
        let words = text.to_lowercase();
        let reference = self.facts.texts.get(&case.reference.id).map(|reference| reference.to_lowercase());
        let named = reference.is_some_and(|reference| words.contains(reference.as_str()))
            || case.parties.iter().any(|party| words.contains(party.as_str()));
        if !named {
            return Ok(());
        }
        Err(Reason::field(code::FIELD_INVALID, "text", "the guidance names the case or one of its parties")
            .hint("Say what holds for every case like it; whoever reads it works on another one."))
    }

    fn precedent_in(&self, id: PrecedentId, wanted: PrecedentStatus) -> Result<Precedent, Reason> {
        let precedent = self.facts.precedents.get(&id).ok_or_else(|| Reason::hidden(id))?;
        if precedent.status == wanted {
            return Ok(precedent.clone());
        }
        let status = precedent.status.word().replace('_', " ");
        Err(Reason::rule(code::WRONG_STATE, id, format!("this precedent is {status}, where that cannot be done"))
            .hint("Reload the page to see what can be done now."))
    }

    /// Approves guidance: by somebody who neither proposed it nor had a part in the answer (I3).
    pub(super) fn approve_precedent(&mut self, id: PrecedentId) -> Done {
        let (precedent, by) = (self.precedent_in(id, PrecedentStatus::Proposed)?, self.actor()?);
        let natural = self.member(by)?.natural;
        if precedent.involved.contains(&natural) {
            return Err(Reason::rule(code::SELF_REVIEW, id, "you proposed this, or had a part in the answer")
                .hint("A delivery manager who had no part in it has to approve it.")
                .invariant("I3")
                .into());
        }
        self.push_precedent(id, PrecedentEvent::Approved { by, natural });
        let replaced = precedent.example.replaces.filter(|replaced| {
            self.facts.precedents.get(replaced).is_some_and(|known| known.status == PrecedentStatus::InForce)
        });
        if let Some(replaced) = replaced {
            self.push_precedent(replaced, PrecedentEvent::Superseded { successor: id });
        }
        Ok(())
    }

    pub(super) fn decline_precedent(&mut self, id: PrecedentId, reason: &str) -> Done {
        self.precedent_in(id, PrecedentStatus::Proposed)?;
        let by = self.actor()?;
        let reason = self.keep_checked("reason", reason, NOTE_CHARS_MAX)?;
        self.push_precedent(id, PrecedentEvent::Declined { by, reason });
        Ok(())
    }

    pub(super) fn withdraw_precedent(&mut self, id: PrecedentId, reason: &str) -> Done {
        self.precedent_in(id, PrecedentStatus::InForce)?;
        let by = self.actor()?;
        let reason = self.keep_checked("reason", reason, NOTE_CHARS_MAX)?;
        self.push_precedent(id, PrecedentEvent::Withdrawn { by, reason });
        Ok(())
    }
}
