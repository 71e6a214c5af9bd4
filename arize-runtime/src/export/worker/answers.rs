//! What becomes of a request that was answered, or was not.

use std::time::Instant;

use super::{RECORD_LESS, Worker};
use crate::error::Number;
use crate::export::otlp::split_request;
use crate::export::outgoing::Outgoing;
use crate::export::transport::{Failure, Reply, Target};
use crate::notice::{Notice, warn};
use crate::stats::Loss;

impl Worker {
    pub(super) fn answered(&mut self, request: Outgoing, reply: Reply) {
        match reply {
            Reply::Taken { rejected, message } => {
                self.transport.observe(true, request.sent);
                self.taken(&request, rejected.min(request.load.spans), &message);
            }
            Reply::Failed(failure) => {
                self.transport.observe(failure.answered, request.sent);
                if failure.too_large {
                    self.too_large(&request, &failure);
                } else {
                    self.failed(request, &failure);
                }
            }
        }
    }

    fn taken(&mut self, request: &Outgoing, rejected: u64, message: &str) {
        let &Outgoing {
            space,
            ref space_id,
            load,
            ..
        } = request;
        if rejected > 0 {
            self.flushes
                .failed(|| format!("the collector says: {message}"));
        }
        if rejected > 0 || !message.is_empty() {
            warn(Notice::Rejected, || {
                let (uri, of) = (&self.target.uri, Number(load.spans));
                match rejected {
                    0 => format!("{uri} took {of} of space `{space_id}` and says: {message}"),
                    _ => format!(
                        "{uri} rejected {rejected} of {of} of space `{space_id}` and says: {message}"
                    ),
                }
            });
        }
        if let Some((_, since)) = self.outage.take_if(|(outage, _)| *outage == space) {
            let uri = &self.target.uri;
            warn(Notice::Recovered, || {
                format!(
                    "{uri} takes spans of space `{space_id}` again, after {:.1?}",
                    since.elapsed()
                )
            });
        }
        self.flushes.settled(request.generation, load.spans);
        self.routes.answered(space, true);
        self.inbox.exported(space, load, rejected, message);
    }

    /// Sends the halves of a request that the collector finds too large, and smaller ones from now on.
    fn too_large(&mut self, request: &Outgoing, failure: &Failure) {
        let &Outgoing {
            space,
            ref space_id,
            ref body,
            load,
            ..
        } = request;
        let Some(halves) = split_request(body) else {
            let said = format!("{}: {}; {RECORD_LESS}", failure.code, failure.message);
            self.flushes.failed(|| said.clone());
            warn(Notice::TooLarge, || {
                format!("a span of space `{space_id}` was refused as too large and dropped: {said}")
            });
            return self.give_up(request, failure, Loss::TooLarge);
        };
        self.request_limit.refused(body.len(), Instant::now());
        warn(Notice::TooLarge, || {
            format!(
                "{} refused a request of {} bytes ({} of space `{space_id}`) as too large; it is sent \
                 in halves, and batches are made smaller: {}",
                self.target.uri,
                body.len(),
                Number(load.spans),
                failure.message
            )
        });
        self.routes.split(space);
        let now = Instant::now();
        for half in request.split(halves) {
            self.routes.later(space, half, now);
        }
    }

    fn failed(&mut self, mut request: Outgoing, failure: &Failure) {
        let again = request
            .next_attempt(failure.retry_after, self.flushes.is_waiting())
            .filter(|_| failure.retryable);
        let fate = match again {
            Some(_) => "to be sent again",
            None => "lost",
        };
        self.told(&request, failure, fate);
        match again {
            Some(when) => {
                self.outage.get_or_insert((request.space, request.sent));
                self.routes.later(request.space, request, when);
            }
            None => self.give_up(&request, failure, Loss::Failed),
        }
    }

    fn told(&mut self, request: &Outgoing, failure: &Failure, fate: &str) {
        let Failure {
            code,
            message,
            remedy,
            ..
        } = failure;
        self.flushes
            .failed(|| format!("{code}: {message}; {remedy}"));
        warn(Notice::ExportFailed, || {
            let Target { uri, source } = &self.target;
            format!(
                "{} of space `{}` could not be sent to {uri} (from {source}), {fate}: \
                 {code}: {message}; {remedy}",
                Number(request.load.spans),
                request.space_id
            )
        });
    }

    fn give_up(&mut self, request: &Outgoing, failure: &Failure, loss: Loss) {
        let &Outgoing {
            space,
            load,
            generation,
            ..
        } = request;
        self.flushes.settled(generation, load.spans);
        self.outage.take_if(|(outage, _)| *outage == space);
        self.routes.answered(space, !failure.retryable);
        let cause = format!("{}: {}", failure.code, failure.message);
        self.inbox.lost(space, load, loss, Some(&cause));
    }
}
