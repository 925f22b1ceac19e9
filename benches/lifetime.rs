//! Models of lifetime value on made histories: what `cargo xtask bench` starts beside the Python package `lifetimes`. Each
//! command prints one line of JSON: the seconds between the histories in memory and the answer, and check figures.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::Instant;

use serde_json::{Value, json};
use wayfold_benches::peak_rss_kib;
use wayfold_core::{Span, Timestamp};
use wayfold_insight::{BgNbd, BuyingHistory, Cells, ParetoNbd, TimeUnit, TransactionModel};

const USAGE: &str = "usage, by `cargo xtask bench`:
  lifetime make CUSTOMERS FILE       writes made histories: repeats, and days of recency and of age
  lifetime cdnow SAMPLE FILE         writes those of the CDNOW sample in its first 39 weeks
  lifetime bg|pareto|predict FILE    fits a model to the histories of a file, or predicts 39 weeks of each";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", customers, file] => Ok(std::fs::write(file, made(customers.parse()?))?),
        ["cdnow", sample, file] => Ok(std::fs::write(file, cdnow(&std::fs::read_to_string(sample)?)?)?),
        [command @ ("bg" | "pareto" | "predict"), file] => {
            println!("{}", measure(command, &read(file)?)?);
            Ok(())
        }
        _ => {
            println!("{USAGE}");
            Ok(())
        }
    }
}

fn measure(command: &str, histories: &[BuyingHistory]) -> Result<Value> {
    let start = Instant::now();
    // A logarithm of a likelihood to a unit, or a hundredth of the purchases that are expected.
    let figure = match command {
        "bg" => {
            BgNbd::fit(&histories.iter().copied().collect::<Cells<_>>(), TimeUnit::Week)?
                .report
                .log_likelihood
        }
        "pareto" => {
            ParetoNbd::fit(&histories.iter().copied().collect::<Cells<_>>(), TimeUnit::Week)?
                .report
                .log_likelihood
        }
        _ => {
            let model = BgNbd::new(TimeUnit::Week, 0.243, 4.414, 0.793, 2.426)?;
            100.0 * model.expected_purchases_of_all(histories, Span::from_days(273)).iter().sum::<f64>()
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let check = [histories.len() as i64, figure.round() as i64];
    Ok(json!({ "seconds": seconds, "peak_rss_kib": peak_rss_kib(), "check": check }))
}

fn read(file: &str) -> Result<Vec<BuyingHistory>> {
    let text = std::fs::read_to_string(file)?;
    let history = |line: &str| -> Result<BuyingHistory> {
        let mut numbers = line.split(',').map(str::parse::<u32>);
        let mut next = || numbers.next().ok_or("a line has three numbers");
        let (repeats, recency, age) = (next()??, next()??, next()??);
        Ok(BuyingHistory::new(repeats, Span::from_days(recency), Span::from_days(age))?)
    };
    text.lines().map(history).collect()
}

/// The histories of the purchases of a file, which stand customer by customer: days are counted, up to 30 September 1997.
fn cdnow(sample: &str) -> Result<String> {
    let mut days: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for line in sample.lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, customer, date, ..] = columns[..] else { return Err("a line has five columns".into()) };
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let since =
            Timestamp::parse("1997-09-30")?.since(Timestamp::parse(&format!("{year}-{month}-{day}"))?);
        if since >= Span::ZERO {
            days.entry(customer).or_default().insert(-since.whole_days());
        }
    }
    let line = |days: &BTreeSet<i64>| {
        let (first, last) = (days.first().copied().unwrap_or(0), days.last().copied().unwrap_or(0));
        format!("{},{},{}\n", days.len() - 1, last - first, -first)
    };
    Ok(days.values().map(line).collect())
}

/// Histories of customers who come in a year's first quarter and are seen for the rest of it: each buys at a rate of its own,
/// and leaves behind a purchase with a chance of its own, as BG/NBD has it.
fn made(customers: u32) -> String {
    let mut random = Random(0x5eed);
    let mut lines = String::new();
    for _ in 0..customers {
        let age = 273 + (random.unit() * 91.0) as u32;
        // Gamma with shape 1/2 is half of a squared normal; here both are near the CDNOW sample.
        let rate = 0.5 * random.normal().powi(2) / (9.0 * 7.0);
        let leaves = random.unit().powf(1.6);
        let (mut at, mut last, mut repeats) = (0.0, 0, 0_u32);
        while random.unit() >= leaves || repeats == 0 {
            at -= (1.0 - random.unit()).ln() / rate.max(1e-9);
            if at >= f64::from(age) {
                break;
            }
            // A second purchase of one day is no transaction of its own.
            let day = at as u32;
            if day > last {
                (last, repeats) = (day, repeats + 1);
            } else if random.unit() < leaves {
                break;
            }
        }
        lines.push_str(&format!("{repeats},{last},{age}\n"));
    }
    lines
}

/// A generator of numbers that is the same everywhere (SplitMix64, Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// By the method of Box and Muller (1958).
    fn normal(&mut self) -> f64 {
        let (first, second) = (1.0 - self.unit(), self.unit());
        (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos()
    }
}
