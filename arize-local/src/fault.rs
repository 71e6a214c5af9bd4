//! Faults that the receiver shows on demand, and when.

mod text;
mod values;

use std::time::Duration;

use crate::answer::Answer;

/// A fault that a receiver shows: what it answers, and which requests meet it.
///
/// Without limits all do. Limits can be combined: a request meets the fault if it is of the space, falls into the
/// share, and the fault is not over.
///
/// A fault can be written as text, as for `arize-local collect --fault`: limits first, then the answer, with colons
/// between them.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use arize_local::{Answer, Fault};
///
/// let fault = Fault::new(Answer::Hang).of_space("U3BhY2U6MTIz").times(3);
/// assert_eq!(fault, "space=U3BhY2U6MTIz:times=3:hang".parse()?);
/// let outage = Fault::new(Answer::Down).lasting(Duration::from_secs(30));
/// assert_eq!(outage.to_string(), "for=30s:down");
/// # Ok::<(), arize_local::StartError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub(crate) answer: Answer,
    pub(crate) space: Option<String>,
    pub(crate) share: Share,
    pub(crate) times: Option<usize>,
    pub(crate) lasting: Option<Duration>,
}

/// Which of the requests meet a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Share {
    All,
    /// The n-th, the 2n-th and so on.
    Every(usize),
    Random {
        probability: f64,
        seed: u64,
    },
}

impl Fault {
    /// This answer for every request.
    #[must_use]
    pub fn new(answer: Answer) -> Self {
        Self {
            // A collector that crashes at every request would never be up again.
            times: matches!(answer, Answer::Restart(_)).then_some(1),
            answer,
            space: None,
            share: Share::All,
            lasting: None,
        }
    }

    /// Only requests whose header names this space (`arize-space-id` or `space_id`).
    #[must_use]
    pub fn of_space(mut self, space_id: impl Into<String>) -> Self {
        self.space = Some(space_id.into());
        self
    }

    /// Over when so many requests have met it.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Only every n-th request, the n-th first; 0 and 1 stand for all.
    #[must_use]
    pub fn every(mut self, n: usize) -> Self {
        self.share = if n > 1 { Share::Every(n) } else { Share::All };
        self
    }

    /// Requests at random, each with this probability (0 to 1). The same seed gives the same sequence.
    #[must_use]
    pub fn at_random(mut self, probability: f64, seed: u64) -> Self {
        self.share = Share::Random { probability, seed };
        self
    }

    /// Over after this time, counted from when the receiver is told of the fault.
    #[must_use]
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasting = Some(time);
        self
    }
}

impl From<Answer> for Fault {
    fn from(answer: Answer) -> Self {
        Self::new(answer)
    }
}
