//! The third engagement of the demo: work that is reviewed. One week passed, one was rejected and reviewed whole, and
//! what was decided this week waits for its reviewer.

use std::collections::BTreeMap;

use remit_kernel::{
    command::{Command, DefectIn, ReviewIn},
    id::{CaseId, PersonId, ReviewId},
    index::{CaseStatus, DefectKind, Severity},
    lot::week_end,
    pack::{Acceptance, Plan, ReviewPlan, Risk},
    role::Role,
};

use super::{
    evidence::{Question, both_read, lines, take_in},
    shipped,
    stage::{Scene, Stage, Terms, made},
};
use crate::{error::Result, jobs::run_due};

/// Cases decided in each of the two weeks.
const WEEK: usize = 6;

/// Plays two weeks; the first lot is accepted, the second rejected.
pub(super) async fn play(stage: &Stage) -> Result<Scene> {
    let pack = shipped("evidence-analysis")?;
    let review = ReviewPlan {
        random: 5_000,
        risks: BTreeMap::from([(Risk::Adjudicated, 10_000), (Risk::Urgent, 3_000)]),
        acceptance: Some(Acceptance { aql: 650, reduced: false }),
        in_house: 0,
        rebuttal_days: 7,
        second: 10_000,
    };
    let scene = stage
        .open(&Terms {
            name: "Reviewed evidence 2026",
            pack: "evidence-analysis",
            service: "Evidence analysis, reviewed",
            case_type: "trial-outcome",
            price_minor: 7_400,
            currency: "GBP",
            volume_max: 200,
            plan: Some(Plan { signoff: false, review: Some(review), ..pack.pack.plan.clone() }),
        })
        .await?;
    // Whoever looks at a case in secret is no persona: two colleagues, so that one is left to rule on what the other found.
    let second = stage.join(scene.engagement, "Pieter Botha", Role::Reviewer).await?;
    stage.join(scene.engagement, "Amara Nwosu", Role::Reviewer).await?;
    // Two weeks that are over, whatever day it is today.
    stage.app.clock().step_to(stage.end.plus_seconds(-22 * 86_400));
    let questions: Vec<Question> = lines(made(pack.demo.find("cases.jsonl"))?)?;
    for (week, questions) in questions.chunks(WEEK).take(2).enumerate() {
        // The second week follows at once.
        if week == 0 {
            next_monday(stage);
        }
        let mut cases = Vec::new();
        for question in questions {
            stage.wait(50_000);
            cases.push(decide(stage, &scene, question, week).await?);
        }
        end_of_week(stage).await?;
        // Some are with the client by then; the week is judged all the same.
        for case in &cases {
            review_all(stage, &scene, *case, (second, week == 1)).await?;
        }
        run_due(&stage.app).await?;
        // Of the rejected week two cases are still held: the demo's reviewer finds them.
        let left = if week == 1 { 2 } else { 0 };
        let mut held = Vec::new();
        for case in &cases {
            if !stage.case(&scene, *case).await?.holds.is_empty() {
                held.push(*case);
            }
        }
        for case in held.iter().take(held.len().saturating_sub(left)) {
            review_all(stage, &scene, *case, (second, false)).await?;
        }
        for case in cases {
            let engagement = scene.engagement;
            stage.wait(600);
            // What failed is mended first; in the demo it stays where it is.
            let deliver = Command::Deliver { engagement, case };
            let known = stage.case(&scene, case).await?;
            if known.status == CaseStatus::Resolved && known.holds.is_empty() {
                stage.act(stage.people.delivery, deliver).await?;
                stage.act(stage.people.client, Command::AcceptDelivery { engagement, case }).await?;
            }
        }
    }
    Ok(scene)
}

/// Leaves cases decided just now: those drawn wait for the reviewer.
pub(super) async fn leave(stage: &Stage, scene: &Scene) -> Result<()> {
    let pack = shipped("evidence-analysis")?;
    let questions: Vec<Question> = lines(made(pack.demo.find("cases.jsonl"))?)?;
    for question in questions.iter().skip(2 * WEEK).take(4) {
        decide(stage, scene, question, 2).await?;
    }
    Ok(())
}

/// Takes a case in and lets it be decided.
async fn decide(stage: &Stage, scene: &Scene, question: &Question, week: usize) -> Result<CaseId> {
    let pack = shipped("evidence-analysis")?;
    let report = made(pack.demo.find(&question.report).map(|bytes| String::from_utf8_lossy(bytes).into_owned()))?;
    let mut question = question.clone();
    question.reference = format!("R{}-{}", week + 1, question.reference);
    let case = take_in(stage, scene, &question, report, (false, 14)).await?;
    both_read(stage, scene, &question, case).await?;
    if question.disagreement.is_some() {
        stage.wait(1_200);
        stage.adjudicate(scene, case, &question.view()).await?;
    }
    Ok(case)
}

fn next_monday(stage: &Stage) {
    let now = stage.app.clock().now();
    stage.wait(week_end(now).seconds_since(now) + 8 * 3_600);
}

/// Lets the week end and its lot be completed by the server's own job.
async fn end_of_week(stage: &Stage) -> Result<()> {
    let now = stage.app.clock().now();
    stage.wait(week_end(now).seconds_since(now) + 3_600);
    run_due(&stage.app).await.map(drop)
}

/// Lets the reviewer finish what was drawn of a case; with `harsh` eyes the form is found wanting. A second review goes to
/// the other reviewer, whose eyes are as harsh in every other case.
async fn review_all(stage: &Stage, scene: &Scene, case: CaseId, (second, harsh): (PersonId, bool)) -> Result<()> {
    let engagement = scene.engagement;
    let known = stage.case(scene, case).await?;
    let open: Vec<ReviewId> = known.reviews.into_iter().filter(|review| known.holds.contains(review)).collect();
    let agree =
        open.first().is_some_and(|review| review.to_string().as_bytes().last().is_some_and(|byte| byte % 2 == 0));
    for (place, review) in open.into_iter().enumerate() {
        let (reviewer, harsh) = if place == 0 { (stage.people.reviewer, harsh) } else { (second, harsh && agree) };
        stage.wait(1_500);
        stage.act(reviewer, Command::TakeReview { engagement, case, review }).await?;
        stage.wait(900);
        let defect = DefectIn {
            question: None,
            kind: DefectKind::Format,
            severity: Severity::Major,
            note: "The deliverable does not say in which weeks the outcome was measured.".to_owned(),
        };
        let coaching = harsh.then(|| "Put the time points into the first line; the client files by them.".to_owned());
        let defects = if harsh { vec![defect] } else { Vec::new() };
        let given = ReviewIn { defects, coaching, finding: None };
        stage.act(reviewer, Command::FinishReview { engagement, case, review, given }).await?;
    }
    Ok(())
}
