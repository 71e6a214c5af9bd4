//! One attempt at a call, and whether another is worth it.

use std::time::Duration;

use http::Uri;
use serde_json::Value;

use crate::call::Call;
use crate::client::Client;
use crate::failure::Failure;
use crate::form::RequestForm;

/// The pause after the first attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// No pause is longer, whatever the agent asks for: somebody is waiting for the run.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What became of one attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) status: Option<u16>,
    pub(crate) response: Option<Value>,
    pub(crate) response_is_json: bool,
    /// How it failed, and the text for that.
    pub(crate) failure: Option<(Failure, String)>,
    retry_after: Option<Duration>,
    /// There is nowhere to send it to, or not so, now or later.
    hopeless: bool,
}

/// Posts the call once.
pub(crate) async fn attempt(
    target: Result<&(Client, Uri), &String>,
    call: &Call,
    form: &RequestForm,
    timeout: Duration,
) -> Attempt {
    let complete = form
        .template
        .as_ref()
        .map_or(Ok(()), |template| template.check(&call.input));
    let hopeless = target.is_err() || complete.is_err();
    let answer = match (target, complete) {
        (Ok((client, uri)), Ok(())) => {
            client
                .post(uri, call.headers(form), &call.body(form), timeout)
                .await
        }
        (_, Err(error)) => Err((Failure::Incomplete, format!("the row has {error}"))),
        (Err(error), _) => Err((Failure::NotSent, error.clone())),
    };
    match answer {
        Ok(answer) => Attempt {
            status: Some(answer.status),
            response: Some(answer.body),
            response_is_json: answer.is_json,
            failure: Failure::of_status(answer.status).map(|failure| {
                let text = format!("the agent answered with HTTP status {}", answer.status);
                (failure, text)
            }),
            retry_after: answer.retry_after,
            hopeless,
        },
        Err(failure) => Attempt {
            status: None,
            response: None,
            response_is_json: false,
            hopeless: hopeless || failure.0 == Failure::NoTls,
            failure: Some(failure),
            retry_after: None,
        },
    }
}

impl Attempt {
    /// How long to wait before another attempt, if that may do better; `earlier` attempts went before this one.
    pub(crate) fn pause_before_another(&self, earlier: usize) -> Option<Duration> {
        if self.failure.is_none() || self.hopeless || !Failure::may_pass(self.status) {
            return None;
        }
        let doubled = FIRST_PAUSE * 2u32.pow(u32::try_from(earlier.min(10)).unwrap_or(10));
        Some(self.retry_after.unwrap_or(doubled).min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: Option<u16>, retry_after: Option<u64>) -> Attempt {
        Attempt {
            status,
            response: None,
            response_is_json: false,
            failure: Some((Failure::Failed, "failed".to_owned())),
            retry_after: retry_after.map(Duration::from_secs),
            hopeless: false,
        }
    }

    #[test]
    fn pauses_double_and_are_bounded() {
        let pause = |earlier| failed(Some(503), None).pause_before_another(earlier);
        let millis = |millis| Some(Duration::from_millis(millis));
        assert_eq!([pause(0), pause(1), pause(2)], [200, 400, 800].map(millis));
        assert_eq!(pause(usize::MAX), Some(LONGEST_PAUSE));
        let asked = |seconds| failed(Some(429), Some(seconds)).pause_before_another(3);
        assert_eq!(asked(2), Some(Duration::from_secs(2)));
        assert_eq!(asked(86_400), Some(LONGEST_PAUSE));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [None, Some(408), Some(429), Some(502), Some(503), Some(504)] {
            assert!(failed(status, None).pause_before_another(0).is_some());
        }
        for status in [302, 400, 401, 404, 422, 500, 501] {
            assert_eq!(failed(Some(status), Some(1)).pause_before_another(0), None);
        }
        let hopeless = Attempt {
            hopeless: true,
            ..failed(None, None)
        };
        assert_eq!(hopeless.pause_before_another(0), None);
    }
}
