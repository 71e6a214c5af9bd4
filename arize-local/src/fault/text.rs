//! Faults as text: `space=U3BhY2U6MTIz:times=3:status=UNAVAILABLE`.

use std::fmt;
use std::str::FromStr;

use http::StatusCode;
use tonic::Code;

use super::values::{bytes, duration, number, positive, probability};
use super::{Fault, Share};
use crate::answer::Answer;
use crate::error::StartError;
use crate::spelling::distance;

const LIMITS: [&str; 6] = ["space", "times", "every", "share", "seed", "for"];

const ANSWERS: [&str; 14] = [
    "ok",
    "down",
    "restart",
    "hang",
    "slow",
    "status",
    "throttle",
    "unavailable",
    "partial",
    "warning",
    "reset",
    "lost-answer",
    "limit",
    "tonic-limit",
];

/// In the order of their numbers, from 1 on.
const CODES: [&str; 16] = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// What a fault without words of its own says.
const MESSAGE: &str = "refused by a fault that was asked for";

impl FromStr for Fault {
    type Err = StartError;

    /// Reads limits and, last, the answer.
    ///
    /// # Errors
    ///
    /// Says what is wrong, and what is possible.
    fn from_str(text: &str) -> Result<Self, StartError> {
        let (limits, answer) = match text.rsplit_once(':') {
            Some((limits, answer)) => (Some(limits), answer),
            None => (None, text),
        };
        let mut fault = read_answer(answer)?;
        let mut seed = None;
        for limit in limits.into_iter().flat_map(|limits| limits.split(':')) {
            let (name, value) = name_and_value(limit);
            let wrong = |wanted: &str| -> StartError {
                format!("`{limit}` has no good value; write `{name}={wanted}`").into()
            };
            fault = match name {
                "space" => fault.of_space(
                    value
                        .filter(|id| !id.is_empty())
                        .ok_or_else(|| wrong("ID"))?,
                ),
                "times" => fault.times(positive(value).ok_or_else(|| wrong("3"))?),
                "every" => fault.every(positive(value).ok_or_else(|| wrong("3"))?),
                "share" => fault.at_random(probability(value).ok_or_else(|| wrong("0.3"))?, 0),
                "seed" => {
                    seed = Some(number(value).ok_or_else(|| wrong("7"))?);
                    fault
                }
                "for" => fault.lasting(duration(value).ok_or_else(|| wrong("30s"))?),
                unknown => return Err(unknown_name(unknown, "a limit", &LIMITS)),
            };
        }
        match (&mut fault.share, seed) {
            (Share::Random { seed, .. }, Some(given)) => *seed = given,
            (_, Some(_)) => {
                return Err("`seed` without `share`; write `share=0.3:seed=7:...`"
                    .to_owned()
                    .into());
            }
            (_, None) => {}
        }
        check_down(fault)
    }
}

/// What closes the ports cannot look at requests.
fn check_down(fault: Fault) -> Result<Fault, StartError> {
    let of_requests = fault.space.is_some() || fault.times.is_some() || fault.share != Share::All;
    if fault.answer == Answer::Down && of_requests {
        let text = "`down` closes the ports for all requests; limit it by time (`down=30s`), or write `reset`, which \
                    cuts connections";
        return Err(text.to_owned().into());
    }
    Ok(fault)
}

fn read_answer(text: &str) -> Result<Fault, StartError> {
    let (name, value) = name_and_value(text);
    let wrong = |wanted: &str| -> StartError {
        format!("`{text}` has no good value; write `{name}={wanted}`").into()
    };
    let time = || duration(value).ok_or_else(|| wrong("10s"));
    let size = || bytes(value).ok_or_else(|| wrong("64KiB"));
    let partial = |rejected| Answer::PartialSuccess {
        rejected,
        message: MESSAGE.to_owned(),
    };
    let answer = match name {
        "down" if value.is_some() => return Ok(Fault::new(Answer::Down).lasting(time()?)),
        "restart" => Answer::Restart(time()?),
        "slow" => Answer::Delay(time()?),
        "status" => status(value)?,
        "throttle" => Answer::Throttle(time()?),
        "unavailable" => Answer::Unavailable(time()?),
        "partial" => partial(positive(value).ok_or_else(|| wrong("3"))?),
        "limit" => Answer::Limit(size()?),
        "tonic-limit" => Answer::TonicLimit(size()?),
        _ if value.is_some() && ANSWERS.contains(&name) => {
            return Err(format!("`{name}` takes no value; write `{name}`").into());
        }
        "ok" => Answer::Ok,
        "down" => Answer::Down,
        "hang" => Answer::Hang,
        "warning" => partial(0),
        "reset" => Answer::Reset,
        "lost-answer" => Answer::LostAnswer,
        limit if LIMITS.contains(&limit) => {
            let text = format!(
                "`{text}` says when, but not what; write `{text}:hang` or another of {}",
                list(&ANSWERS)
            );
            return Err(text.into());
        }
        unknown => return Err(unknown_name(unknown, "a fault", &ANSWERS)),
    };
    Ok(Fault::new(answer))
}

/// A status of gRPC by name, or of HTTP by number.
fn status(value: Option<&str>) -> Result<Answer, StartError> {
    let value = value.unwrap_or_default();
    let name = value.to_ascii_uppercase().replace('-', "_");
    if let Some(at) = CODES.iter().position(|code| *code == name) {
        let code = i32::try_from(at + 1).expect("there are 16");
        return Ok(Answer::Status(Code::from_i32(code), MESSAGE.to_owned()));
    }
    // 1xx is no answer, but announces one.
    if let Ok(status) = value.parse::<StatusCode>()
        && (200..600).contains(&status.as_u16())
    {
        return Ok(Answer::HttpStatus(status));
    }
    let near = nearest(&name, &CODES);
    Err(format!(
        "`{value}` is no status{near}; write a number of HTTP from 200 to 599, or a name of gRPC: {}",
        list(&CODES)
    )
    .into())
}

fn name_and_value(text: &str) -> (&str, Option<&str>) {
    match text.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None => (text.trim(), None),
    }
}

fn unknown_name(name: &str, what: &str, known: &[&str]) -> StartError {
    let near = nearest(name, known);
    format!(
        "`{name}` is not the name of {what}{near}; write one of {}",
        list(known)
    )
    .into()
}

fn nearest(name: &str, known: &[&str]) -> String {
    let near = known.iter().min_by_key(|known| distance(name, known));
    near.filter(|near| distance(name, near) <= near.len() / 2)
        .map_or(String::new(), |near| format!(" (did you mean `{near}`?)"))
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// As it can be read again, except for the message of a status or of a partial success.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(space) = &self.space {
            write!(f, "space={space}:")?;
        }
        let usual = matches!(self.answer, Answer::Restart(_)).then_some(1);
        if let Some(times) = self.times.filter(|_| self.times != usual) {
            write!(f, "times={times}:")?;
        }
        match self.share {
            Share::All => {}
            Share::Every(n) => write!(f, "every={n}:")?,
            Share::Random {
                probability,
                seed: 0,
            } => write!(f, "share={probability}:")?,
            Share::Random { probability, seed } => write!(f, "share={probability}:seed={seed}:")?,
        }
        if let Some(lasting) = self.lasting {
            write!(f, "for={lasting:?}:")?;
        }
        match &self.answer {
            Answer::Ok => f.write_str("ok"),
            Answer::Status(code, _) => match CODES.get((*code as usize).wrapping_sub(1)) {
                Some(name) => write!(f, "status={name}"),
                None => f.write_str("status=OK"),
            },
            Answer::HttpStatus(status) => write!(f, "status={}", status.as_u16()),
            Answer::PartialSuccess { rejected: 0, .. } => f.write_str("warning"),
            Answer::PartialSuccess { rejected, .. } => write!(f, "partial={rejected}"),
            Answer::Delay(time) => write!(f, "slow={time:?}"),
            Answer::Hang => f.write_str("hang"),
            Answer::Throttle(time) => write!(f, "throttle={time:?}"),
            Answer::Unavailable(time) => write!(f, "unavailable={time:?}"),
            Answer::Reset => f.write_str("reset"),
            Answer::LostAnswer => f.write_str("lost-answer"),
            Answer::Limit(bytes) => write!(f, "limit={bytes}"),
            Answer::TonicLimit(bytes) => write!(f, "tonic-limit={bytes}"),
            Answer::Down => f.write_str("down"),
            Answer::Restart(time) => write!(f, "restart={time:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let fault = text.parse::<Fault>();
        fault.expect_err("is wrong").to_string()
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for text in [
            "ok",
            "down",
            "for=30s:down",
            "restart=10s",
            "times=2:restart=10s",
            "hang",
            "slow=1.5s",
            "status=503",
            "status=CANCELLED",
            "status=UNAUTHENTICATED",
            "throttle=500ms",
            "unavailable=2s",
            "partial=3",
            "warning",
            "reset",
            "lost-answer",
            "limit=1000",
            "tonic-limit=65536",
            "space=U3A=:times=3:share=0.25:seed=7:for=60s:hang",
            "every=3:reset",
        ] {
            let fault: Fault = text
                .parse()
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(fault.to_string(), text);
            assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault), "{text}");
        }
        let other_words = [
            ("down=2m", "for=120s:down"),
            ("status=data-loss", "status=DATA_LOSS"),
            ("limit=64KiB", "limit=65536"),
            ("times=1:restart=1s", "restart=1s"),
        ];
        for (text, same) in other_words {
            assert_eq!(text.parse::<Fault>(), same.parse(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_possible() {
        let hung = error("hung");
        assert!(
            hung.starts_with(
                "`hung` is not the name of a fault (did you mean `hang`?); write one of `ok`, "
            ),
            "{hung}"
        );
        let status = error("status=UNAVAILBLE");
        assert!(
            status.starts_with(
                "`UNAVAILBLE` is no status (did you mean `UNAVAILABLE`?); write a number"
            ),
            "{status}"
        );
        for (text, part) in [
            (
                "spaces=a:hang",
                "`spaces` is not the name of a limit (did you mean `space`?); write one of",
            ),
            (
                "space=a",
                "`space=a` says when, but not what; write `space=a:hang`",
            ),
            (
                "space=:hang",
                "`space=` has no good value; write `space=ID`",
            ),
            ("slow", "`slow` has no good value; write `slow=10s`"),
            ("slow=10", "`slow=10` has no good value; write `slow=10s`"),
            ("limit=1GB", "write `limit=64KiB`"),
            ("hang=3s", "`hang` takes no value; write `hang`"),
            ("times=0:hang", "write `times=3`"),
            ("share=2:hang", "write `share=0.3`"),
            ("seed=2:hang", "`seed` without `share`"),
            (
                "space=a:down",
                "`down` closes the ports for all requests; limit it by time",
            ),
            ("partial=0", "write `partial=3`"),
            ("status=99", "`99` is no status;"),
            ("", "`` is not the name of a fault; write one of"),
        ] {
            let error = error(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
