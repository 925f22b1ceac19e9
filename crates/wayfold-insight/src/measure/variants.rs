//! Variants: the distinct sequences of steps that cases run through.

use std::cmp::Reverse;

use hashbrown::HashMap;
use serde::Serialize;
use wayfold_core::{Amount, History};

use super::Measure;
use super::cases::{Cases, StepNames};
use super::process_map::amount;
use super::steps::Steps;

/// Measures which sequences of steps cases run through, how many each, and what they are worth.
#[derive(Debug, Clone, Default)]
pub struct Variants {
    cases: Cases,
}

impl Variants {
    /// Measures cases that are made so.
    pub fn new(cases: Cases) -> Self {
        Self { cases }
    }

    /// What was counted how, in words, for who reads the figures.
    pub fn semantics(&self) -> String {
        format!("variants of {}; a variant is the sequence of all steps of a case", self.cases.semantics())
    }

    /// The figures.
    pub fn report(&self, total: &VariantsTotal) -> VariantsReport {
        let counted = total.variants.iter().filter(|(_, (cases, _))| *cases > 0);
        let counted = counted.map(|(steps, (cases, value))| (Reverse(*cases), &steps[..], *value));
        let names = total.steps.names.shared();
        let row = |(Reverse(cases), steps, value): (Reverse<i64>, &[u32], i128)| VariantRow {
            steps: Steps::new(&names, steps),
            cases: cases as u64,
            value: amount(value),
        };
        let variants: Vec<_> = total.steps.names.sorted(counted).map(row).collect();
        let cases = variants.iter().map(|row| row.cases).sum();
        VariantsReport { semantics: self.semantics(), cases, variants }
    }
}

/// What [`Variants`] adds up.
#[derive(Debug, Clone, Default)]
pub struct VariantsTotal {
    steps: StepNames,
    /// Cases and value by sequence.
    variants: HashMap<Vec<u32>, (i64, i128)>,
    /// For the memory of the case before.
    sequence: Vec<u32>,
}

impl Measure for Variants {
    type Total = VariantsTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut VariantsTotal) {
        let VariantsTotal { steps, variants, sequence } = total;
        self.cases.for_each(history, steps, |case, _| {
            sequence.clear();
            sequence.extend(case.steps.iter().map(|step| step.activity));
            let known = variants.entry_ref(&sequence[..]).or_default();
            known.0 += times;
            known.1 += case.value * i128::from(times);
        });
    }

    fn merge(&self, total: &mut VariantsTotal, other: VariantsTotal) {
        let numbers = total.steps.take_over(&other.steps);
        for (mut steps, (cases, value)) in other.variants {
            steps.iter_mut().for_each(|step| *step = numbers[*step as usize]);
            let known = total.variants.entry(steps).or_default();
            known.0 += cases;
            known.1 += value;
        }
    }
}

/// The variants in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariantsReport {
    /// What was counted how.
    pub semantics: String,
    /// How many cases have a step.
    pub cases: u64,
    /// The variants: the most frequent first, then by their steps.
    pub variants: Vec<VariantRow>,
}

/// A sequence of steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariantRow {
    /// What the steps are called.
    pub steps: Steps,
    /// How many cases run through it.
    pub cases: u64,
    /// What they are worth, in the currency that was asked for.
    pub value: Amount,
}

impl VariantsReport {
    /// The variants by what their cases are worth, the most first.
    pub fn by_value(&self) -> Vec<&VariantRow> {
        let mut variants: Vec<_> = self.variants.iter().collect();
        variants.sort_by_key(|row| std::cmp::Reverse(row.value));
        variants
    }
}
