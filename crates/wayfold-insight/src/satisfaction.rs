mod answers;
mod cells;

use serde::{Deserialize, Serialize};
use wayfold_core::Instrument;

pub use self::answers::{Answers, SurveyAnswers, SurveyTable};
pub use self::cells::{Consistency, Satisfaction, SatisfactionBy, SatisfactionRow, SatisfactionTotal};
use crate::error::{Error, ErrorKind, Result};
use crate::interval::{self, Confidence, Interval};

/// How answers become one number; figures of different methods are not comparable, so the method is part of the figure.
///
/// ```
/// use wayfold_insight::{Answers, Confidence, SatisfactionMethod};
///
/// // Each score from 0 to 10 once: two promoters and seven detractors of eleven.
/// let answers: Answers = (0..=10).collect();
/// let score = SatisfactionMethod::Nps.measure(&answers, Confidence::P95)?.expect("there are answers");
/// assert_eq!(score.value, -500.0 / 11.0);
/// assert!(score.interval.expect("it has a spread").low < score.value);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SatisfactionMethod {
    /// Net promoter score, from -100 to 100: the percentage of 9 and 10 less that of 0 to 6.
    Nps,
    /// Customer satisfaction, from 0 to 100: the percentage of 4 and 5 on a scale of 1 to 5.
    Csat,
    /// Customer effort score on a scale of 1 to 7, of which there are several forms. In all of them more is easier.
    Ces {
        /// How answers become a number.
        form: CesForm,
        /// Which end of the scale means easy.
        direction: CesDirection,
    },
}

/// The forms of the customer effort score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CesForm {
    /// The mean answer, from 1 to 7.
    Mean,
    /// The percentage of the three easiest answers.
    Agreeing,
    /// The percentage of the two easiest answers less that of the two hardest, from -100 to 100.
    TopLessBottom,
}

/// Which end of the scale of a customer effort score means easy; with `OneIsEasy` answers are turned round first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CesDirection {
    /// 7 means easy, as in "they made it easy for me: do you agree?".
    SevenIsEasy,
    /// 1 means easy, as in "how much effort did it take?".
    OneIsEasy,
}

/// A figure of satisfaction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SatisfactionScore {
    /// How it was made.
    pub method: SatisfactionMethod,
    /// From how many answers.
    pub answers: u64,
    /// The figure.
    pub value: f64,
    /// Where the figure of all customers lies, if those who answered are like the others; `None` for a mean of one
    /// answer.
    pub interval: Option<Interval>,
}

impl SatisfactionMethod {
    /// Makes a figure of answers; without an answer there is none.
    ///
    /// # Errors
    /// `InvalidParameter` if an answer lies outside of the scale.
    pub fn measure(&self, answers: &Answers, confidence: Confidence) -> Result<Option<SatisfactionScore>> {
        self.check(answers)?;
        let total = answers.total();
        if total == 0 {
            return Ok(None);
        }
        let count = |easy: &dyn Fn(i64) -> bool| answers.count(|score| easy(self.turned(score)));
        let share = |part| {
            let (value, interval) = interval::share(part, total, confidence);
            (value, Some(interval))
        };
        let (value, interval) = match self {
            Self::Nps => interval::difference(count(&|of| of >= 9), count(&|of| of <= 6), total, confidence),
            Self::Csat => share(count(&|of| of >= 4)),
            Self::Ces { form: CesForm::Agreeing, .. } => share(count(&|of| of >= 5)),
            Self::Ces { form: CesForm::TopLessBottom, .. } => {
                interval::difference(count(&|of| of >= 6), count(&|of| of <= 2), total, confidence)
            }
            Self::Ces { form: CesForm::Mean, .. } => {
                let turned = answers.iter().map(|(score, count)| (self.turned(score), count));
                interval::mean(turned, total, confidence)
            }
        };
        Ok(Some(SatisfactionScore { method: *self, answers: total, value, interval }))
    }

    /// The instrument whose answers it takes.
    pub fn instrument(&self) -> Instrument {
        match self {
            Self::Nps => Instrument::Nps,
            Self::Csat => Instrument::Csat,
            Self::Ces { .. } => Instrument::Ces,
        }
    }

    fn turned(&self, score: i64) -> i64 {
        match self {
            Self::Ces { direction: CesDirection::OneIsEasy, .. } => 8 - score,
            _ => score,
        }
    }

    fn check(&self, answers: &Answers) -> Result<()> {
        let scale = match self {
            Self::Nps => 0..=10,
            Self::Csat => 1..=5,
            Self::Ces { .. } => 1..=7,
        };
        match answers.iter().find(|(score, _)| !scale.contains(score)) {
            None => Ok(()),
            Some((score, _)) => {
                let message =
                    format_args!("an answer of {score} on a scale of {} to {}", scale.start(), scale.end());
                Err(Error::new(ErrorKind::InvalidParameter, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: SatisfactionMethod, answers: &[i64], expected: f64) {
        let answers: Answers = answers.iter().copied().collect();
        let found = method.measure(&answers, Confidence::P95).unwrap().unwrap();
        assert!((found.value - expected).abs() < 1e-12, "{found:?} instead of {expected}");
    }

    #[test]
    fn figures_are_those_of_their_method() {
        use CesDirection::{OneIsEasy, SevenIsEasy};
        use CesForm::{Agreeing, Mean, TopLessBottom};
        check(SatisfactionMethod::Nps, &[10, 9, 8, 7, 6, 0], 0.0);
        // Each score once: two promote and seven detract, of eleven.
        check(SatisfactionMethod::Nps, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], -500.0 / 11.0);
        check(SatisfactionMethod::Csat, &[1, 3, 4, 5, 5], 60.0);
        let answers = [1, 2, 3, 5, 6, 7, 7, 7];
        for (form, direction, expected) in [
            (Mean, SevenIsEasy, 4.75),
            (Mean, OneIsEasy, 3.25),
            (Agreeing, SevenIsEasy, 62.5),
            (Agreeing, OneIsEasy, 37.5),
            (TopLessBottom, SevenIsEasy, 25.0),
            (TopLessBottom, OneIsEasy, -25.0),
        ] {
            check(SatisfactionMethod::Ces { form, direction }, &answers, expected);
        }
    }

    #[test]
    fn no_answers_give_no_figure_and_answers_off_the_scale_an_error() {
        let none = SatisfactionMethod::Nps.measure(&Answers::default(), Confidence::P95);
        assert_eq!(none, Ok(None));
        let error = SatisfactionMethod::Csat.measure(&Answers::from_iter([0]), Confidence::P95).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidParameter);
        assert_eq!(error.to_string(), "an answer of 0 on a scale of 1 to 5");
    }
}
