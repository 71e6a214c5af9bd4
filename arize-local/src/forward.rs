//! Passing on what is received to another OTLP endpoint: Arize Phoenix, an OpenTelemetry Collector.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::error::StartError;
use crate::form::Traceparent;
use crate::report::RowReport;
use crate::request::SPACE_HEADERS;
use failure::Failure;
use target::Target;

mod experiment_span;
mod failure;
mod projects;
mod target;

/// How many spans may wait to be passed on.
const MAX_QUEUED: usize = 20_000;

/// How long what is left at the end is tried.
const FLUSH: Duration = Duration::from_secs(5);

/// The pause after the first failed attempt; it doubles with each, up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// One request on its way.
#[derive(Debug)]
struct Batch {
    headers: HeaderMap,
    message: ExportTraceServiceRequest,
}

/// What became of the spans that were to be passed on, as a person is told.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded {
    pub(crate) text: String,
    /// What to do, where not all were passed on.
    pub(crate) remedy: Option<String>,
}

/// Passes requests on, one after another, without holding up who gives them.
#[derive(Debug)]
pub(crate) struct Forwarder {
    url: String,
    queue: Mutex<Option<mpsc::UnboundedSender<Batch>>>,
    progress: Arc<Progress>,
    /// Ends with this.
    worker: Mutex<JoinSet<()>>,
}

/// Whether the URL is our own address, and what is passed on would come back for ever.
fn leads_to(url: &str, own: SocketAddr) -> bool {
    let Ok(uri) = target::parse(url) else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = match host.parse::<IpAddr>() {
        Ok(ip) => ip == own.ip() || ip.is_loopback() || ip.is_unspecified(),
        Err(_) => host == "localhost",
    };
    is_here && uri.port_u16() == Some(own.port())
}

/// How many spans are where.
#[derive(Debug, Default)]
struct Progress {
    queued: AtomicUsize,
    passed: AtomicUsize,
    lost: AtomicUsize,
    /// Why an attempt failed last.
    failure: Mutex<Option<Failure>>,
}

impl Forwarder {
    /// Begins to pass on to this URL, which must not be where we receive: at `own`.
    pub(crate) fn start(
        url: &str,
        headers: HeaderMap,
        own: &[SocketAddr],
    ) -> Result<Self, StartError> {
        if own.iter().any(|own| leads_to(url, *own)) {
            let text = format!(
                "`{url}` is where spans are received; forward to another address, or receive at another"
            );
            return Err(text.into());
        }
        let target = Target::new(url)?;
        let (queue, batches) = mpsc::unbounded_channel();
        let progress = Arc::new(Progress::default());
        let mut worker = JoinSet::new();
        worker.spawn(work(target, headers, batches, Arc::clone(&progress)));
        Ok(Self {
            url: url.to_owned(),
            queue: Mutex::new(Some(queue)),
            progress,
            worker: Mutex::new(worker),
        })
    }

    /// Passes on a received request.
    pub(crate) fn pass_on(&self, headers: &HeaderMap, message: &ExportTraceServiceRequest) {
        let mut kept = HeaderMap::new();
        // No others: keys may be secret, and are not the target's.
        for name in SPACE_HEADERS {
            for value in headers.get_all(name) {
                kept.append(HeaderName::from_static(name), value.clone());
            }
        }
        self.queue(kept, message.clone());
    }

    /// Passes on the span that Arize makes of a row, unless the agent was told that it is not recorded.
    pub(crate) fn experiment_span(&self, row: &RowReport, traceparent: Traceparent) {
        if traceparent != Traceparent::Sampled {
            return;
        }
        let mut headers = HeaderMap::new();
        if let Ok(space) = HeaderValue::from_str(&row.space_id) {
            headers.insert(SPACE_HEADERS[0], space);
        }
        self.queue(headers, experiment_span::request(row));
    }

    fn queue(&self, headers: HeaderMap, message: ExportTraceServiceRequest) {
        let spans = span_count(&message);
        let progress = &self.progress;
        let fits = progress.queued.load(Relaxed) + spans <= MAX_QUEUED;
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match &*queue {
            Some(queue) if fits => {
                progress.queued.fetch_add(spans, Relaxed);
                let _ = queue.send(Batch { headers, message }); // the worker lives as long as the queue
            }
            _ => {
                progress.lost.fetch_add(spans, Relaxed);
            }
        }
    }

    /// Waits for what is left, but not long; says what was passed on.
    pub(crate) async fn finish(&self) -> Forwarded {
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(queue);
        let mut worker = {
            let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *worker)
        };
        let _ = tokio::time::timeout(FLUSH, worker.join_next()).await;
        worker.shutdown().await;
        self.progress.summary(&self.url)
    }
}

impl Progress {
    fn summary(&self, url: &str) -> Forwarded {
        let counted = |spans| match spans {
            1 => "1 span".to_owned(),
            spans => format!("{spans} spans"),
        };
        let passed = self.passed.load(Relaxed);
        let not_passed = self.lost.load(Relaxed) + self.queued.load(Relaxed);
        if not_passed == 0 {
            return Forwarded {
                text: format!("forwarded {} to {url}", counted(passed)),
                remedy: None,
            };
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let (why, remedy) = match &*failure {
            Some(failure) => (failure.what.as_str(), &*failure.remedy),
            None => (
                "it is too slow for what comes",
                "forward to one that is faster, or send fewer rows at once",
            ),
        };
        let all = counted(passed + not_passed);
        Forwarded {
            text: format!("forwarded only {passed} of {all} to {url}: {why}"),
            remedy: Some(remedy.to_owned()),
        }
    }
}

async fn work(
    target: Target,
    headers: HeaderMap,
    mut batches: mpsc::UnboundedReceiver<Batch>,
    progress: Arc<Progress>,
) {
    while let Some(mut batch) = batches.recv().await {
        batch.headers.extend(headers.clone());
        let message = projects::named(batch.message);
        let spans = span_count(&message);
        let rejected = pass(&target, &batch.headers, &message, &progress).await;
        let rejected = rejected.unwrap_or(spans).min(spans);
        progress.passed.fetch_add(spans - rejected, Relaxed);
        progress.lost.fetch_add(rejected, Relaxed);
        progress.queued.fetch_sub(spans, Relaxed);
    }
}

/// Tries as long as it makes sense; gives how many spans were rejected, or nothing where all were.
async fn pass(
    target: &Target,
    headers: &HeaderMap,
    message: &ExportTraceServiceRequest,
    progress: &Progress,
) -> Option<usize> {
    let mut pause = FIRST_PAUSE;
    loop {
        let failure = match target.send(headers, message).await {
            Ok(rejected) => {
                let count = rejected.as_ref().map_or(0, |(count, _)| *count);
                if let Some((_, failure)) = rejected {
                    progress.failed(failure);
                }
                return Some(count);
            }
            Err(failure) => failure,
        };
        let again = failure.again;
        progress.failed(failure);
        if !again {
            return None;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

impl Progress {
    fn failed(&self, failure: Failure) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }
}

fn span_count(message: &ExportTraceServiceRequest) -> usize {
    let scopes = message
        .resource_spans
        .iter()
        .flat_map(|spans| &spans.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_address_is_seen() {
        let own = "127.0.0.1:4317".parse().expect("an address");
        for (url, is_own) in [
            ("http://localhost:4317", true),
            ("http://127.0.0.1:4317/v1/traces", true),
            ("http://[::1]:4317", true),
            ("http://localhost:4318", false),
            ("http://10.0.0.1:4317", false),
        ] {
            assert_eq!(leads_to(url, own), is_own, "{url}");
        }
    }
}
