//! One call of the agent: what it is asked, the way Arize asks, and what it answers.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::attempt::attempt;
use crate::client::Client;
use crate::form::{Baggage, BodyShape, Metadata, RequestForm, Traceparent};
use crate::report::RowReport;

/// One row on its way: what the agent is asked, and under which names.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) row: usize,
    pub(crate) input: Value,
    pub(crate) space_id: String,
    pub(crate) project: String,
    pub(crate) experiment_id: String,
    pub(crate) run_id: String,
    /// 32 hex digits.
    pub(crate) trace_id: String,
    /// The experiment span: 16 hex digits.
    pub(crate) span_id: String,
    /// How many further attempts there are at most, if the first fails in a way that may pass.
    pub(crate) retries: usize,
}

/// A run of an experiment: what all its calls share.
pub(crate) fn experiment_id() -> String {
    format!("experiment-{:08x}", fastrand::u32(..))
}

impl Call {
    pub(crate) fn new(
        row: usize,
        input: Value,
        space_id: String,
        project: String,
        experiment_id: String,
    ) -> Self {
        Self {
            row,
            input,
            space_id,
            project,
            experiment_id,
            run_id: format!("run-{:08x}", fastrand::u32(..)),
            trace_id: format!("{:032x}", fastrand::u128(1..)),
            span_id: format!("{:016x}", fastrand::u64(1..)),
            retries: 0,
        }
    }

    pub(crate) fn body(&self, form: &RequestForm) -> Value {
        let metadata = self.metadata(form.metadata);
        if let Some(template) = &form.template {
            return template.body(&self.input, metadata.as_ref()).into();
        }
        let mut body = match (&self.input, form.body) {
            (Value::Object(fields), BodyShape::TopLevel) => fields.clone(),
            (input, _) => Map::from_iter([("input".to_owned(), input.clone())]),
        };
        if let Some(metadata) = metadata {
            body.insert("arize_metadata".to_owned(), metadata);
        }
        body.into()
    }

    fn metadata(&self, metadata: Metadata) -> Option<Value> {
        let mut full = json!({
            "space_id": self.space_id,
            "project_name": self.project,
            "dataset_id": "dataset-local",
            "experiment_id": self.experiment_id,
            "run_id": self.run_id,
            "example_id": format!("example-{}", self.row),
        });
        match metadata {
            Metadata::Full => Some(full),
            Metadata::NoProject => {
                full.as_object_mut()?.shift_remove("project_name");
                Some(full)
            }
            Metadata::None => None,
            Metadata::Null => Some(Value::Null),
        }
    }

    pub(crate) fn headers(&self, form: &RequestForm) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name, value: &str| {
            let value =
                HeaderValue::from_str(value).expect("ids are hex and baggage is percent-encoded");
            headers.append(HeaderName::from_static(name), value);
        };
        add("content-type", "application/json");
        add(
            "user-agent",
            concat!("arize-local/", env!("CARGO_PKG_VERSION")),
        );
        if let Some(traceparent) = self.traceparent(form.traceparent) {
            add("traceparent", &traceparent);
            add("tracestate", "arize=local");
        }
        for line in self.baggage(&form.baggage) {
            add("baggage", &line);
        }
        add("x-arize-experiment-id", &self.experiment_id);
        add("x-arize-experiment-run-id", &self.run_id);
        for name in form.headers.keys() {
            headers.remove(name);
        }
        headers.extend(form.headers.clone());
        headers
    }

    fn traceparent(&self, traceparent: Traceparent) -> Option<String> {
        let Self {
            trace_id, span_id, ..
        } = self;
        match traceparent {
            Traceparent::Sampled => Some(format!("00-{trace_id}-{span_id}-01")),
            Traceparent::Unsampled => Some(format!("00-{trace_id}-{span_id}-00")),
            Traceparent::Malformed => Some(format!("00-{}-{span_id}-01", "z".repeat(32))),
            Traceparent::None => None,
        }
    }

    /// The lines of the header.
    fn baggage(&self, baggage: &Baggage) -> Vec<String> {
        let space = |id: &str| format!("arize.space_id={}", baggage_value(id));
        let project = |name: &str| format!("arize.project_name={}", baggage_value(name));
        match baggage {
            Baggage::OneLine => vec![space(&self.space_id) + "," + &project(&self.project)],
            Baggage::TwoLines => vec![space(&self.space_id), project(&self.project)],
            Baggage::Other {
                space_id,
                project: name,
            } => vec![space(space_id) + "," + &project(name)],
            Baggage::None => Vec::new(),
        }
    }

    /// Posts the row and reports on it, without spans yet.
    ///
    /// Every attempt has the same trace context and the same ids: it is one run.
    pub(crate) async fn send(
        &self,
        target: Result<(Client, Uri), String>,
        form: &RequestForm,
        timeout: Duration,
    ) -> RowReport {
        let sent = SystemTime::now();
        let start = Instant::now();
        let mut earlier = Vec::new();
        let (last, duration) = loop {
            let attempt_start = Instant::now();
            let attempt = attempt(target.as_ref(), self, form, timeout).await;
            let again = attempt
                .pause_before_another(earlier.len())
                .filter(|_| earlier.len() < self.retries);
            let (Some(pause), Some(failure)) = (again, attempt.failure.clone()) else {
                break (attempt, attempt_start.elapsed());
            };
            earlier.push(failure);
            tokio::time::sleep(pause).await;
        };
        let (failure, error) = last.failure.unzip();
        RowReport {
            row: self.row,
            input: self.input.clone(),
            space_id: self.space_id.clone(),
            project: self.project.clone(),
            trace_id: self.trace_id.clone(),
            span_id: self.span_id.clone(),
            sent,
            duration,
            took: start.elapsed(),
            attempts: earlier.len() + 1,
            earlier,
            names: form.names(),
            status: last.status,
            response: last.response,
            response_is_json: last.response_is_json,
            error,
            failure,
            spans: Vec::new(),
            spans_left_out: 0,
            shortened: false,
            checks: Vec::new(),
        }
    }
}

/// Percent-encodes what W3C baggage does not allow in a value. `=` is allowed and stays.
fn baggage_value(value: &str) -> String {
    use std::fmt::Write;
    value.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'%' => encoded.push_str("%25"),
            0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}"); // writing to a String cannot fail
            }
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baggage_keeps_base64_and_encodes_the_rest() {
        assert_eq!(
            baggage_value("U3BhY2U6MTIzOmFiYw=="),
            "U3BhY2U6MTIzOmFiYw=="
        );
        assert_eq!(baggage_value("a+b/c="), "a+b/c=");
        assert_eq!(
            baggage_value("my agent, 50%; \"é\"\\"),
            "my%20agent%2C%2050%25%3B%20%22%C3%A9%22%5C"
        );
    }

    #[test]
    fn the_request_is_what_arize_sends() {
        let call = Call::new(
            3,
            json!({"goal": "x"}),
            "S=".into(),
            "my project".into(),
            "experiment-1".into(),
        );
        let form = RequestForm::default();
        let headers = call.headers(&form);
        assert_eq!(
            headers["traceparent"],
            format!("00-{}-{}-01", call.trace_id, call.span_id)
        );
        assert_eq!(
            headers["baggage"],
            "arize.space_id=S=,arize.project_name=my%20project"
        );
        assert_eq!(headers["x-arize-experiment-id"], "experiment-1");
        let body = call.body(&form);
        assert_eq!(body["input"], json!({"goal": "x"}));
        assert_eq!(body["arize_metadata"]["project_name"], "my project");
        assert_eq!(body["arize_metadata"]["example_id"], "example-3");
    }

    #[test]
    fn a_form_leaves_out_what_it_says() {
        let call = Call::new(
            1,
            json!({"goal": "x"}),
            "S=".into(),
            "p".into(),
            "experiment-1".into(),
        );
        let form = RequestForm {
            body: BodyShape::TopLevel,
            template: None,
            metadata: Metadata::NoProject,
            baggage: Baggage::TwoLines,
            traceparent: Traceparent::None,
            headers: HeaderMap::from_iter([(
                HeaderName::from_static("user-agent"),
                HeaderValue::from_static("mine"),
            )]),
        };
        let headers = call.headers(&form);
        let baggage: Vec<_> = headers.get_all("baggage").iter().collect();
        assert_eq!(baggage, ["arize.space_id=S=", "arize.project_name=p"]);
        assert!(!headers.contains_key("traceparent") && !headers.contains_key("tracestate"));
        assert_eq!(
            headers.get_all("user-agent").iter().collect::<Vec<_>>(),
            ["mine"]
        );
        let body = call.body(&form);
        assert_eq!(body["goal"], "x");
        assert!(body["arize_metadata"].get("space_id").is_some());
        assert!(body["arize_metadata"].get("project_name").is_none());
    }
}
