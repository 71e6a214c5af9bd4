//! What goes wrong at the collector, one thing after the other.

use std::time::Duration;

use arize_local::{Answer, Receiver};
use tonic::Code;

/// How long each lasts.
pub(crate) const EACH: Duration = Duration::from_millis(250);

/// Longer than the pipeline waits.
const HANG: Duration = Duration::from_secs(5);
const SLOW: Duration = Duration::from_millis(100);

/// Sets the `n`th fault; every other time none.
pub(crate) fn inject(receiver: &Receiver, n: u32) {
    receiver.answer_with(match n % 10 {
        1 => Answer::Status(Code::Unavailable, "injected".to_owned()),
        3 => Answer::PartialSuccess {
            rejected: 1,
            message: "injected".to_owned(),
        },
        5 => Answer::Delay(SLOW),
        7 => Answer::Throttle(SLOW),
        9 => Answer::Delay(HANG),
        _ => Answer::Ok,
    });
}

/// Whether the collector is to be started anew after the `n`th: no multiple of the faults' number,
/// so that it meets each of them.
pub(crate) const fn restarts(n: u32) -> bool {
    n % 9 == 8
}
