//! How far panel readers agree on one question: over all of them, and two at a time.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use remit_kernel::{
    form::{Answer, Question},
    id::{CaseId, PersonId},
    index::{Known, KnownAnswerRow},
};
use remit_stats::{
    StatsError,
    agreement::{Coefficient, Counts, Pairs, Scale, Undefined, Weights, numbers::Numbers},
    interval,
};
use remit_store::Given;

use super::{
    Agreement, CONFIDENCE, OptionQuality, PairQuality, QuestionQuality, Rate, Readers,
    classes::{Classes, Level},
};

/// Resamples behind an interval of alpha, where the cases are few enough for that many.
const RESAMPLES: u64 = 1_000;
/// Draws that one interval of alpha may take: with very many cases it rests on fewer resamples.
const DRAWS_MAX: u64 = 20_000_000;
/// Where the drawing begins, so that the same answers give the same interval.
const SEED: u64 = 20_260_301;
/// Pairs of readers shown for one question, those with most cases first.
const PAIRS_MAX: usize = 200;
/// Answers drawn against each other in one table, at most: a closed list has no more, and more sets than that cannot be read.
const DRAWN_MAX: usize = 9;

/// How often two readers gave each two answers, the first reader's first.
type Cells = HashMap<(usize, usize), u64>;

/// Returns the figures of one question. `given` are its answers, those of one case together.
pub(super) fn of_question(
    question: &Question,
    given: &[Given],
    known: &[KnownAnswerRow],
    disputed: u64,
    readers: &Readers,
) -> QuestionQuality {
    let classes = Classes::of(question, given.iter().map(|given| given.answer.as_str()));
    let mut tally = Tally::new(question, &classes);
    let decided = decided(question, known);
    let (mut right, mut unsettled) = ((0, 0), 0);
    let mut answers: Vec<(PersonId, usize)> = Vec::new();
    for of_case in given.chunk_by(|one, other| one.case == other.case) {
        answers.clear();
        answers.extend(of_case.iter().map(|given| (given.reader, classes.number(&given.answer))));
        answers.sort_unstable();
        tally.take(&answers);
        if let Some(known) = decided.get(&of_case[0].case).filter(|known| known.reference.is_some()) {
            match known.found(question, &classes, &answers) {
                Some(found) => right = (right.0 + u64::from(found), right.1 + 1),
                None => unsettled += 1,
            }
        }
    }
    let mut pairs: Vec<_> =
        tally.pairs.into_iter().map(|(people, cells)| (cells.values().sum(), people, cells)).collect();
    pairs.sort_unstable_by_key(|(cases, people, _): &(u64, _, _)| (Reverse(*cases), *people));
    let pairs_left_out = pairs.len().saturating_sub(PAIRS_MAX);
    let pairs = pairs.into_iter().take(PAIRS_MAX).map(|(_, people, cells)| of_pair(people, &cells, &classes, readers));
    let gwet = |weights: Option<Weights>| {
        let counts = tally.counts.as_ref()?;
        counts.value(&Coefficient::Gwet(weights?)).ok()
    };
    let level = classes.level();
    QuestionQuality {
        question: question.key.clone(),
        title: question.title.clone(),
        decides: question.decides,
        level,
        coefficient: Cow::Borrowed(level.alpha()),
        pair_coefficient: Cow::Borrowed(level.pair()),
        ac1: (level == Level::Nominal).then(|| gwet(Weights::identity(classes.len()).ok())).flatten(),
        ac2: (level == Level::Ordinal).then(|| gwet(Weights::ordinal(classes.len()).ok())).flatten(),
        share_agreed: match level {
            Level::Nominal | Level::Ordinal | Level::Sets => {
                tally.counts.as_ref().and_then(|counts| counts.share_agreed().ok())
            }
            Level::Interval => tally.near.mean(),
        },
        agreement: of_classes(tally.counts.as_ref(), &classes),
        disputed,
        right: Rate::of(right.0, right.1),
        unsettled,
        options: tally.options.into_iter().map(Picked::figures).collect(),
        pairs: pairs.collect(),
        pairs_left_out,
    }
}

/// Counts of one question on the way to figures.
struct Tally<'c> {
    classes: &'c Classes,
    counts: Option<Counts>,
    options: Vec<Picked>,
    pairs: HashMap<(PersonId, PersonId), Cells>,
    near: Near,
}

/// One option of several that may be picked: how many of a case's readers picked it, case by case.
struct Picked {
    key: String,
    title: String,
    counts: Option<Counts>,
}

/// The share of pairs of answers within the tolerance, summed over cases.
#[derive(Default)]
struct Near {
    sum: f64,
    cases: u32,
}

impl Near {
    fn take(&mut self, classes: &Classes, answers: &[(PersonId, usize)]) {
        let (mut same, mut all) = (0_u32, 0_u32);
        for (place, (_, one)) in answers.iter().enumerate() {
            for (_, other) in &answers[place + 1..] {
                same += u32::from(classes.same(*one, *other));
                all += 1;
            }
        }
        if all > 0 {
            self.sum += f64::from(same) / f64::from(all);
            self.cases += 1;
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.cases > 0).then(|| self.sum / f64::from(self.cases))
    }
}

impl Picked {
    fn figures(self) -> OptionQuality {
        let agreement = self.counts.map_or_else(Agreement::none, |counts| of_all(&counts, &Scale::Nominal));
        OptionQuality { option: self.key, title: self.title, agreement }
    }
}

impl<'c> Tally<'c> {
    fn new(question: &Question, classes: &'c Classes) -> Self {
        let options = match classes.level() {
            Level::Sets => question.kind.options(),
            Level::Nominal | Level::Ordinal | Level::Interval => &[],
        };
        let picked = |option: &remit_kernel::form::Choice| Picked {
            key: option.key.clone(),
            title: option.title.clone(),
            counts: Counts::new(2).ok(),
        };
        Self {
            classes,
            counts: Counts::new(classes.len()).ok(),
            options: options.iter().map(picked).collect(),
            pairs: HashMap::new(),
            near: Near::default(),
        }
    }

    /// Takes the answers to one case, by reader.
    fn take(&mut self, answers: &[(PersonId, usize)]) {
        if let Some(counts) = &mut self.counts {
            let mut unit: Vec<u32> =
                answers.iter().map(|(_, class)| u32::try_from(*class).unwrap_or(u32::MAX)).collect();
            // Every class has its place in the table, so the unit always fits.
            let _ = counts.add_values(&mut unit);
        }
        for option in &mut self.options {
            let picked = |class: usize| self.classes.picks(class).is_some_and(|picks| picks.contains(&option.key));
            let mut unit: Vec<u32> = answers.iter().map(|(_, class)| u32::from(picked(*class))).collect();
            if let Some(counts) = &mut option.counts {
                let _ = counts.add_values(&mut unit);
            }
        }
        if self.classes.level() == Level::Interval {
            self.near.take(self.classes, answers);
        }
        for (place, (first, one)) in answers.iter().enumerate() {
            for (second, other) in &answers[place + 1..] {
                *self.pairs.entry((*first, *second)).or_default().entry((*one, *other)).or_default() += 1;
            }
        }
    }
}

/// What is known of one case beside its readings.
#[derive(Default)]
struct Decided {
    reference: Option<Answer>,
    adjudicated: Option<Answer>,
}

fn decided(question: &Question, known: &[KnownAnswerRow]) -> HashMap<CaseId, Decided> {
    let mut decided: HashMap<CaseId, Decided> = HashMap::new();
    for row in known {
        let slot = decided.entry(row.case).or_default();
        match row.known {
            Known::Reference => slot.reference = question.kind.read(&row.answer),
            Known::Adjudicated => slot.adjudicated = question.kind.read(&row.answer),
        }
    }
    decided
}

impl Decided {
    /// Returns whether the outcome of a panel is the reference answer, as the form counts answers as the same: what its
    /// readers agree on, or else what the adjudicator decided. A panel that has neither, or no reference, counts for nothing.
    fn found(&self, question: &Question, classes: &Classes, answers: &[(PersonId, usize)]) -> Option<bool> {
        let reference = self.reference.as_ref()?;
        let same = |outcome: &Answer| question.same(Some(outcome), Some(reference));
        if let Some(adjudicated) = &self.adjudicated {
            return Some(same(adjudicated));
        }
        let alike = answers
            .iter()
            .enumerate()
            .all(|(place, (_, one))| answers[place + 1..].iter().all(|(_, other)| classes.same(*one, *other)));
        let given: Vec<&Answer> = answers.iter().filter_map(|(_, class)| classes.answer(*class)).collect();
        alike.then(|| question.settled(&given)).flatten().map(|outcome| same(&outcome))
    }
}

/// Returns Krippendorff's alpha of answers at their level, with its interval, or why it has none.
pub(super) fn of_classes(counts: Option<&Counts>, classes: &Classes) -> Agreement {
    match (counts, classes.scale()) {
        (Some(counts), Some(scale)) => of_all(counts, &scale),
        (Some(counts), None) => Agreement { n: counts.pairable(), ..Agreement::too_many() },
        (None, _) => Agreement::too_many(),
    }
}

/// Returns Krippendorff's alpha with its interval, or why it has none.
pub(crate) fn of_all(counts: &Counts, scale: &Scale) -> Agreement {
    let n = counts.pairable();
    let alpha = Coefficient::Alpha(scale.clone());
    match counts.value(&alpha) {
        Ok(value) => {
            // Distances that are given cost as much in each resample as there are pairs of classes.
            let size = match scale {
                Scale::Custom(_) => n.max((counts.classes() as u64).pow(2)),
                Scale::Nominal | Scale::Ordinal | Scale::Interval(_) | Scale::Ratio(_) => n,
            };
            let resamples = (DRAWS_MAX / size.max(1)).clamp(u64::from(interval::RESAMPLES_MIN), RESAMPLES);
            let resamples = u32::try_from(resamples).unwrap_or(interval::RESAMPLES_MIN);
            let interval = interval::bootstrap(counts, &[alpha], CONFIDENCE, resamples, SEED);
            let interval = interval.ok().and_then(|found| found.into_iter().next()?.ok());
            Agreement {
                value: Some(value),
                interval: interval.map(|ends| (ends.lower, ends.upper)),
                undefined: None,
                n,
            }
        }
        Err(why) => Agreement { value: None, interval: None, undefined: Some(Cow::Borrowed(why_not(&why))), n },
    }
}

fn of_pair((first, second): (PersonId, PersonId), cells: &Cells, classes: &Classes, readers: &Readers) -> PairQuality {
    let total: u64 = cells.values().sum();
    let among = |counted: &dyn Fn(usize, usize) -> bool| {
        cells.iter().filter(|((one, other), _)| counted(*one, *other)).map(|(_, cases)| cases).sum::<u64>()
    };
    // What counts as the same makes no difference to open, though it is no equal answer to kappa.
    let same = among(&|one, other| classes.same(one, other));
    let equal = match classes.level() {
        Level::Nominal | Level::Ordinal | Level::Sets => among(&|one, other| one == other),
        Level::Interval => same,
    };
    // Only answers that one of the two gave are drawn: a table of zeros says nothing.
    let used: Vec<usize> =
        cells.keys().flat_map(|(one, other)| [*one, *other]).collect::<BTreeSet<_>>().into_iter().collect();
    let agreement = match classes.level() {
        Level::Nominal | Level::Ordinal | Level::Sets => kappa(cells, &used, classes),
        Level::Interval => correlation(cells, classes),
    };
    let drawn = classes.level() != Level::Interval && used.len() <= DRAWN_MAX;
    let used = if drawn { used } else { Vec::new() };
    let cell = |one: usize, other: usize| cells.get(&(one, other)).copied().unwrap_or_default();
    PairQuality {
        readers: [readers.name(first), readers.name(second)],
        agreement: agreement.unwrap_or_else(|why| Agreement {
            value: None,
            interval: None,
            undefined: Some(Cow::Borrowed(why_not(&why))),
            n: total,
        }),
        share_agreed: Rate::of(equal, total).share,
        differ: total - same,
        answers: used.iter().map(|class| classes.title(*class).to_owned()).collect(),
        cells: used.iter().map(|row| used.iter().map(|column| cell(*row, *column)).collect()).collect(),
    }
}

/// Returns Cohen's kappa of two readers; where answers have an order or are sets, it is weighted.
fn kappa(cells: &Cells, used: &[usize], classes: &Classes) -> Result<Agreement, StatsError> {
    let mut table = vec![0; used.len() * used.len()];
    for ((one, other), cases) in cells {
        if let (Ok(row), Ok(column)) = (used.binary_search(one), used.binary_search(other)) {
            table[row * used.len() + column] = *cases;
        }
    }
    let pairs = Pairs::from_cells(used.len(), table)?;
    let weights = classes.weights(used).ok_or(StatsError::NoSpread)?;
    let kappa = pairs.weighted_kappa(&weights)?;
    let interval = interval::kappa(&kappa, CONFIDENCE).ok().map(|ends| (ends.lower, ends.upper));
    Ok(Agreement { value: Some(kappa.value), interval, undefined: None, n: pairs.units() })
}

/// Returns the intraclass correlation of two readers' numbers, differences of level counted as disagreement.
fn correlation(cells: &Cells, classes: &Classes) -> Result<Agreement, StatsError> {
    let mut numbers = Numbers::default();
    // By class, so that sums come out the same however the table is laid out.
    let mut ordered: Vec<_> = cells.iter().collect();
    ordered.sort_unstable();
    for ((one, other), cases) in ordered {
        let (Some(one), Some(other)) = (classes.value(*one), classes.value(*other)) else { continue };
        for _ in 0..*cases {
            numbers.add(&[one, other])?;
        }
    }
    let found = numbers.icc_agreement(CONFIDENCE)?;
    let interval = found.interval.map(|ends| (ends.lower, ends.upper));
    Ok(Agreement { value: Some(found.value), interval, undefined: None, n: numbers.pairable() })
}

impl Agreement {
    pub(crate) fn none() -> Self {
        let why = why_undefined(Undefined::NoPairs);
        Self { value: None, interval: None, undefined: Some(Cow::Borrowed(why)), n: 0 }
    }

    fn too_many() -> Self {
        let why = "there are more different answers than are told apart";
        Self { value: None, interval: None, undefined: Some(Cow::Borrowed(why)), n: 0 }
    }
}

fn why_not(why: &StatsError) -> &'static str {
    match why {
        StatsError::Undefined(why) => why_undefined(*why),
        StatsError::NoSpread => "everybody gave the same answer",
        StatsError::TooFewUnits => "two cases answered by both are the least",
        _ => "there are more different answers than are told apart",
    }
}

fn why_undefined(why: Undefined) -> &'static str {
    match why {
        Undefined::OneClass => "everybody gave the same answer",
        Undefined::NoPairs | Undefined::UnequalValues => "no case was answered by two readers",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::{
        super::{
            classes::tests::{choice, grade, multi, number},
            sheet::tests::id,
        },
        *,
    };

    /// Krippendorff's table of 2011: twelve units, four readers, gaps.
    const UNITS: [&str; 12] = ["111", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "555", "11", "3"];

    fn given<'a>(cases: impl IntoIterator<Item = Vec<&'a str>>) -> Vec<Given> {
        let of_case = |(case, answers): (usize, Vec<&str>)| {
            let answer =
                |(reader, answer): (usize, &str)| Given { case: id(case), reader: id(reader), answer: answer.into() };
            answers.into_iter().enumerate().map(answer).collect::<Vec<_>>()
        };
        cases.into_iter().enumerate().flat_map(of_case).collect()
    }

    fn figures(question: &Question, given: &[Given], known: &[KnownAnswerRow]) -> QuestionQuality {
        of_question(question, given, known, 0, &Readers { names: std::sync::Arc::default() })
    }

    fn canonical(question: &Question) -> QuestionQuality {
        let units = UNITS.map(|unit| unit.split("").filter(|answer| !answer.is_empty()).collect());
        figures(question, &given(units), &[])
    }

    fn near(value: Option<f64>, wanted: f64) -> bool {
        value.is_some_and(|value| (value - wanted).abs() < 1e-6)
    }

    #[test]
    fn alpha_follows_the_level_of_the_question_and_says_which_it_is() {
        let steps = ["1", "2", "3", "4", "5"];
        let nominal = canonical(&choice(&steps));
        assert!(near(nominal.agreement.value, 0.743_421) && nominal.coefficient == "krippendorff_alpha_nominal");
        assert!(nominal.ac1.is_some_and(|ac1| (ac1 - 0.775_44).abs() < 1e-5));
        let ordinal = canonical(&grade(&steps, 0));
        assert!(near(ordinal.agreement.value, 0.815_388) && ordinal.coefficient == "krippendorff_alpha_ordinal");
        assert!(ordinal.ac1.is_none() && ordinal.ac2.is_some());
        let interval = canonical(&number("0"));
        assert!(near(interval.agreement.value, 0.849_107) && interval.coefficient == "krippendorff_alpha_interval");
        assert_eq!((interval.agreement.n, interval.level), (11, Level::Interval));
        assert!(interval.pairs.iter().all(|pair| pair.answers.is_empty()) && interval.agreement.interval.is_some());
    }

    #[test]
    fn sets_that_share_options_agree_in_part_and_each_option_stands_by_itself() {
        // By hand, as in the crate of statistics: 1 - 3 * 1 / 9.
        let sets = figures(&multi(&["a", "b", "c"]), &given([vec!["a", "a b"], vec!["c", "c"]]), &[]);
        assert!(near(sets.agreement.value, 2.0 / 3.0), "{:?}", sets.agreement);
        assert_eq!(sets.options.iter().map(|option| option.title.as_str()).collect::<Vec<_>>(), ["A", "B", "C"]);
        assert!(near(sets.options[0].agreement.value, 1.0) && near(sets.options[2].agreement.value, 1.0));
        assert!(near(sets.options[1].agreement.value, 0.0), "{:?}", sets.options[1]);
        assert_eq!((sets.pairs[0].differ, sets.pairs[0].agreement.n), (1, 2));
    }

    #[test]
    fn two_readers_of_grades_and_numbers_are_told_by_how_far_they_lie_apart() {
        // Nineteen cases alike and one apart: by one step or by four.
        let apart = |other: &'static str| {
            let mut cases: Vec<_> = (0..20).map(|case| vec![["1", "2", "3", "4", "5"][case % 5]; 2]).collect();
            cases[0] = vec!["1", other];
            given(cases)
        };
        let steps = grade(&["1", "2", "3", "4", "5"], 0);
        let kappa =
            |question: &Question, other| figures(question, &apart(other), &[]).pairs[0].agreement.value.unwrap();
        assert!(kappa(&steps, "2") > kappa(&steps, "5") + 0.1);
        assert!(kappa(&number("0"), "2") > kappa(&number("0"), "5") + 0.1);
        let choices = choice(&["1", "2", "3", "4", "5"]);
        assert!((kappa(&choices, "2") - kappa(&choices, "5")).abs() < 0.01, "of names none is nearer than another");
        assert_eq!(figures(&number("1"), &apart("2"), &[]).share_agreed, Some(1.0), "within the tolerance");
    }

    #[test]
    fn an_outcome_within_the_tolerance_counts_as_the_reference_answer() {
        let reference = |answer: &str| KnownAnswerRow {
            case: id(0),
            question: "q".into(),
            known: Known::Reference,
            answer: answer.into(),
        };
        let read = given([vec!["1", "1.5"]]);
        let right = |answer| figures(&number("0.5"), &read, &[reference(answer)]).right;
        // The readers agree, and half-way between them is what they agree on.
        assert_eq!([right("1.75"), right("2")].map(|right| (right.hits, right.n)), [(1, 1), (0, 1)]);
        assert_eq!(figures(&number("0.1"), &read, &[reference("1")]).right.n, 0, "readers who differ settle nothing");
    }
}
