//! Contests: one question, asked of several contenders in rounds.

use anyhow::Result;

use super::Bench;
use super::files::{Files, WORKLOADS};
use super::goals::{CONTESTS, Goal, Measure, Question, Target};
use super::peers::{self, Asked, BOUND};
use super::process::{Contender, Reference, Run, Who, answer, text};
use super::programs::ANSWER;
use super::rounds::Rounds;
use super::rows::Row;

const KIB_PER_MIB: f64 = 1024.0;

/// The rows that are asked for of a workload.
pub(super) fn rows(bench: &mut Bench, files: &Files) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for question in Question::ALL {
        let of_it = |goal: &&Goal| goal.question == question && goal.id.starts_with(&bench.options.only);
        let goals: Vec<&Goal> = CONTESTS.iter().filter(of_it).collect();
        if goals.is_empty() {
            continue;
        }
        let reference = reference(bench, files, question)?;
        let contenders = contenders(bench, files, question, &goals, &reference)?;
        eprintln!("{question:?} of {}", files.label());
        let rounds = Rounds::run(&contenders, bench.options.pairs, &reference)?;
        rows.extend(goals.iter().flat_map(|goal| of_goal(goal, bench.options.events, files, &rounds)));
    }
    Ok(rows)
}

fn reference(bench: &Bench, files: &Files, question: Question) -> Result<Reference> {
    let arguments = ["about", question.name(), files.workload, &files.events];
    answer(bench.programs.command(ANSWER)?.args(arguments))
}

fn contenders(
    bench: &mut Bench,
    files: &Files,
    question: Question,
    goals: &[&Goal],
    reference: &Reference,
) -> Result<Vec<Contender>> {
    let program = &bench.programs.path(ANSWER)?.to_owned();
    let mut contenders = Vec::new();
    for threads in [2, 1].into_iter().filter(|threads| goals.iter().any(|goal| goal.threads == *threads)) {
        for state in question.states() {
            let who = Who::Ours { state, threads };
            contenders.push(match question {
                Question::Memory => {
                    Contender::new(who, program, &[question.command(), files.workload, &files.events])
                }
                Question::AloneA | Question::A | Question::AloneB => {
                    let store = files.store(bench, state)?;
                    let (threads, as_of_us) = (threads.to_string(), reference.as_of_us.to_string());
                    let arguments = [question.command(), question.name(), &threads, &as_of_us, text(&store)?];
                    Contender::new(who, program, &arguments)
                }
            });
        }
    }
    let wanted: Vec<&str> =
        goals.iter().flat_map(|goal| goal.peers.iter().chain(goal.beside)).copied().collect();
    if wanted.contains(&BOUND) {
        let arguments = ["bound", files.workload, &files.events];
        contenders.push(Contender::new(Who::Peer(BOUND), program, &arguments));
    }
    let asked = Asked { files, question: question.name(), as_of_us: reference.as_of_us.to_string() };
    contenders.extend(peers::contenders(bench, &asked, &wanted)?);
    Ok(contenders)
}

/// The rows of a goal: for each state one a peer, or one alone.
fn of_goal(goal: &Goal, events: u64, files: &Files, rounds: &Rounds) -> Vec<Row> {
    let mut rows = Vec::new();
    for state in goal.question.states() {
        let ours = Who::Ours { state, threads: goal.threads };
        let row = |peer: Option<&'static str>| {
            let them = peer.map(Who::Peer);
            let cost = |run: &Run| cost(goal.measure, run);
            let value = |who: &Who| rounds.median(who, cost).map(|cost| shown(goal.measure, cost, events));
            Row {
                id: goal.id.to_owned(),
                workload: files.label(),
                state,
                value: value(&ours),
                unit: goal.measure.unit().to_owned(),
                peer: peer.map(str::to_owned),
                peer_value: them.as_ref().and_then(value),
                ratio: them.as_ref().and_then(|them| rounds.ratio(them, &ours, cost)),
                ..Row::default()
            }
        };
        // Goals are for W; S is held against half of it.
        let target = Some(goal.target).filter(|_| files.workload == WORKLOADS[0]);
        if matches!(goal.target, Target::Value { .. }) {
            rows.push(row(None).judged(target));
        }
        rows.extend(goal.peers.iter().map(|peer| row(Some(peer)).judged(target)));
        rows.extend(goal.beside.iter().map(|peer| row(Some(peer))));
    }
    rows
}

/// What a run costs by a measure.
fn cost(measure: Measure, run: &Run) -> f64 {
    match measure {
        Measure::Speed => run.seconds,
        Measure::Memory => run.peak_rss_kib as f64 / KIB_PER_MIB,
    }
}

/// The measure as it is shown.
fn shown(measure: Measure, cost: f64, events: u64) -> f64 {
    match measure {
        Measure::Speed => events as f64 / cost / 1e6,
        Measure::Memory => cost,
    }
}
