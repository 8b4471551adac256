//! Reliability on each option of a question of which several may be picked: whether it applies is a question of its own.

use remit_kernel::form::Question;
use remit_stats::truth::{
    Model, Options,
    multi::{Picks, fit_multi},
};
use serde::{Deserialize, Serialize};

use super::{Level, Rate, WANTED, model::Estimate, sheet::Sheet};

/// How reliable one expert is on one option.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OptionFigures {
    /// Key of the option.
    pub option: String,
    /// The option.
    pub title: String,
    /// Answers that are right about it, of cases with a reference answer.
    pub right: Rate,
    /// Answers without it, of cases whose reference answer has it.
    pub missed: Rate,
    /// Answers with it, of cases whose reference answer lacks it.
    pub added: Rate,
    /// How often the expert is right about it, as the model has it.
    pub estimated: Option<Estimate>,
}

/// Counts of one person and option.
#[derive(Clone, Copy, Default)]
struct Count {
    missed: (u64, u64),
    added: (u64, u64),
}

/// Returns the figures of each person of a sheet, option by option; none where answers are not sets.
pub(super) fn of(question: &Question, sheet: &Sheet, three_or_more: u64) -> Vec<Vec<OptionFigures>> {
    if sheet.classes.level() != Level::Sets {
        return Vec::new();
    }
    let options = question.kind.options();
    let picked = |class: usize, option: usize| {
        sheet.classes.picks(class).is_some_and(|picks| picks.contains(&options[option].key))
    };
    let mut counts = vec![vec![Count::default(); options.len()]; sheet.people.len()];
    for mark in &sheet.marks {
        let Some(reference) = sheet.known[mark.case].reference else { continue };
        for (option, count) in counts[mark.person].iter_mut().enumerate() {
            let given = picked(mark.class, option);
            if picked(reference, option) {
                count.missed = (count.missed.0 + u64::from(!given), count.missed.1 + 1);
            } else {
                count.added = (count.added.0 + u64::from(given), count.added.1 + 1);
            }
        }
    }
    let estimates = if three_or_more < WANTED { None } else { estimated(sheet, options.len(), &picked) };
    let figures = |person: usize, option: usize, count: Count| {
        let ((missed, with), (added, without)) = (count.missed, count.added);
        let estimate = |all: &Vec<Vec<Option<Estimate>>>| all.get(option)?.get(person).copied().flatten();
        OptionFigures {
            option: options[option].key.clone(),
            title: options[option].title.clone(),
            right: Rate::of(with + without - missed - added, with + without),
            missed: Rate::of(missed, with),
            added: Rate::of(added, without),
            estimated: estimates.as_ref().and_then(estimate).filter(|known| known.n > 0),
        }
    };
    let of_person = |(person, counts): (usize, Vec<Count>)| {
        counts.into_iter().enumerate().map(|(option, count)| figures(person, option, count)).collect()
    };
    counts.into_iter().enumerate().map(of_person).collect()
}

/// Returns, for each option and person, how often the person is right about it, from the answers of people alone.
fn estimated(
    sheet: &Sheet,
    options: usize,
    picked: &impl Fn(usize, usize) -> bool,
) -> Option<Vec<Vec<Option<Estimate>>>> {
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let bits =
        |class: usize| (0..options).filter(|option| picked(class, *option)).fold(0, |bits, option| bits | 1 << option);
    let picks: Vec<Picks> = sheet
        .human()
        .map(|mark| Picks { task: number(mark.case), worker: number(mark.person), picked: bits(mark.class) })
        .collect();
    let (tasks, workers) = (sheet.cases.len(), sheet.people.len());
    let fitted = fit_multi(number(options), tasks, workers, &picks, &[], Model::Anchored, &Options::default()).ok()?;
    let of_option = |fit: remit_stats::truth::Fit| fit.workers.iter().map(Estimate::of).collect();
    Some(fitted.options.into_iter().map(of_option).collect())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{classes::tests::multi, sheet::tests::sheet},
        *,
    };

    #[test]
    fn each_option_tells_who_misses_it_and_who_adds_it() {
        // The third reader never sees dust; the second adds noise to every fourth case.
        let cases = |known: bool| -> Vec<_> {
            let case = |case: usize| {
                let truth = ["heat", "heat dust", "dust noise"][case % 3];
                let second = if case.is_multiple_of(4) && !truth.contains("noise") {
                    format!("{truth} noise")
                } else {
                    truth.into()
                };
                let third = if truth.contains("dust") { truth.replace("dust", "heat") } else { truth.to_owned() };
                (vec![truth.to_owned(), second, third], known.then(|| truth.to_owned()))
            };
            (0..60).map(case).collect()
        };
        let question = multi(&["heat", "dust", "noise"]);
        let held = sheet(&question, &cases(true));
        let figures = of(&question, &held, 60);
        let counts = |person: usize, option: usize| {
            let figures = &figures[person][option];
            [figures.right, figures.missed, figures.added].map(|rate| (rate.hits, rate.n))
        };
        assert_eq!(counts(0, 1), [(60, 60), (0, 40), (0, 20)]);
        assert_eq!(counts(2, 1), [(20, 60), (40, 40), (0, 20)]);
        assert_eq!(counts(1, 2), [(50, 60), (0, 20), (10, 40)]);
        let unheld = sheet(&question, &cases(false));
        let figures = of(&question, &unheld, 60);
        assert_eq!((figures[0][1].right.n, figures[0][1].estimated.map(|known| known.n)), (0, Some(60)));
        let share = |person: usize| figures[person][1].estimated.map_or(f64::NAN, |known| known.share);
        assert!(share(0) > 0.9 && share(2) < 0.5, "{} {}", share(0), share(2));
        assert!(
            of(&question, &unheld, WANTED - 1)[0][1].estimated.is_none(),
            "with too few cases nothing is estimated"
        );
    }
}
