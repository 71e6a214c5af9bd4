//! The course of a run: what is sent when, what is waited for, and what is judged and let go.
//!
//! However many rows there are, so many spans are kept as a bounded number of them has.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::{Experiment, Row};
use crate::call::Call;
use crate::checks::{self, Run, Tally};
use crate::client::{Client, agent_uri};
use crate::failure::Failure;
use crate::form::RequestForm;
use crate::receiver::Receiver;
use crate::report::{Report, RowReport, Trees};
use crate::span::Span;

/// How many rows may be under way or wait for their spans, and how many that are finished are kept in full: late
/// spans and spans in other traces are judged best when all is over.
const WINDOW: usize = 1_000;

/// How many rows are let go at once: each time all stray spans are looked through.
const BATCH: usize = 100;

/// How many failed rows are kept in full whatever the length of the run.
const MOST_FAILED: usize = 100;

/// Somebody who follows a run.
pub(crate) trait Follow: Send {
    /// A row has its spans, and seems to be as it should be or not.
    fn finished(&mut self, ok: bool);
    /// A row has been judged for good; it may not be kept.
    fn judged(&mut self, row: &RowReport);
}

impl Follow for () {
    fn finished(&mut self, _ok: bool) {}
    fn judged(&mut self, _row: &RowReport) {}
}

type Target = Result<(Client, Uri), String>;

pub(super) struct Course<'a, F> {
    experiment: &'a Experiment,
    form: Arc<RequestForm>,
    receiver: &'a Receiver,
    follow: &'a mut F,
    /// The first OTLP request that can be the run's.
    first_request: usize,
    /// How many stray spans the receiver had dropped before the run.
    dropped_before: usize,
    sending: JoinSet<RowReport>,
    waiting: JoinSet<RowReport>,
    /// Rows with their answers, whose spans are still in the receiver.
    finished: Vec<RowReport>,
    /// Rows that have been judged.
    judged: Vec<RowReport>,
    failed_in_full: usize,
    tally: Tally,
    stray: Vec<Span>,
    stopped: bool,
    start: Instant,
    answering: Duration,
}

impl<'a, F: Follow> Course<'a, F> {
    pub(super) fn new(
        experiment: &'a Experiment,
        receiver: &'a Receiver,
        follow: &'a mut F,
    ) -> Self {
        Self {
            experiment,
            form: Arc::new(experiment.form.clone()),
            receiver,
            follow,
            first_request: receiver.store().request_count(),
            dropped_before: receiver.store().dropped_strays(),
            sending: JoinSet::new(),
            waiting: JoinSet::new(),
            finished: Vec::new(),
            judged: Vec::new(),
            failed_in_full: 0,
            tally: Tally::default(),
            stray: Vec::new(),
            stopped: false,
            start: Instant::now(),
            answering: Duration::ZERO,
        }
    }

    /// Sends all that may be sent, until `stop`: then what is not finished is given up.
    pub(super) async fn run(mut self, rows: Vec<Row>, stop: impl Future<Output = ()>) -> Report {
        let _bound = self.receiver.store().bound_strays();
        let target =
            agent_uri(&self.experiment.agent).and_then(|uri| Ok((Client::new(&uri)?, uri)));
        let mut calls = self.experiment.calls(rows);
        let mut stop = pin!(stop);
        let interrupted = loop {
            tokio::select! {
                biased; // nothing is sent after the stop
                () = &mut stop => break true,
                goes_on = self.step(&mut calls, &target) => if !goes_on {
                    break false;
                },
            }
        };
        let rest = self.judge_first(self.finished.len());
        self.judged.extend(rest);
        self.judged.sort_by_key(|row| row.row);
        Report {
            rows: self.judged,
            not_sent: calls.len(),
            not_finished: self.sending.len() + self.waiting.len(),
            interrupted,
            checks: self.tally.checks(),
            stray_spans: self.stray,
            strays_dropped: self.receiver.store().dropped_strays() - self.dropped_before,
            elapsed: self.start.elapsed(),
            answering: self.answering,
            forwarded: None,
            trees: Trees::default(),
        }
    }

    /// Sends what may be sent, and sees to the next row that has its answer or its spans; says whether there was one.
    async fn step(&mut self, calls: &mut impl Iterator<Item = Call>, target: &Target) -> bool {
        while self.may_send()
            && let Some(call) = calls.next()
        {
            self.send(call, target.clone());
        }
        tokio::select! {
            Some(row) = self.sending.join_next() => self.wait_for_spans(joined(row)),
            Some(row) = self.waiting.join_next() => self.finish(joined(row)),
            else => return false,
        }
        true
    }

    fn may_send(&self) -> bool {
        let concurrency = self.experiment.concurrency;
        !self.stopped
            && self.sending.len() < concurrency
            && self.sending.len() + self.waiting.len() < WINDOW.max(concurrency)
    }

    fn send(&mut self, call: Call, target: Target) {
        self.receiver.store().expect_trace(&call.trace_id);
        let (form, timeout) = (Arc::clone(&self.form), self.experiment.timeout);
        self.sending
            .spawn(async move { call.send(target, &form, timeout).await });
    }

    fn wait_for_spans(&mut self, row: RowReport) {
        self.answering = self.start.elapsed();
        // Its spans, if any, may take long to come, and cannot make it succeed.
        self.stopped |= self.experiment.fail_fast && row.error.is_some();
        if let Some(forwarder) = self.receiver.store().forwarder() {
            forwarder.experiment_span(&row, self.form.traceparent);
        }
        let receiver = self.receiver.clone();
        let (settle, wait) = (self.experiment.settle, self.experiment.wait);
        self.waiting.spawn(async move {
            let wait = worth_waiting(&row, wait);
            let store = receiver.store();
            store.trace_settled(&row.trace_id, settle, wait).await;
            row
        });
    }

    fn finish(&mut self, mut row: RowReport) {
        let ok = self.seems_ok(&mut row);
        self.follow.finished(ok);
        self.stopped |= self.experiment.fail_fast && !ok;
        self.finished.push(row);
        if self.finished.len() >= WINDOW + BATCH {
            for row in self.judge_first(BATCH) {
                self.let_go(row);
            }
        }
    }

    /// Judges a row for a start. What it is to be judged by may not all be there yet.
    fn seems_ok(&self, row: &mut RowReport) -> bool {
        // Looking for stray spans takes long where there are many; without them some faults are found at the end.
        let with_stray = self.experiment.fail_fast;
        if row.error.is_some() || !(with_stray || row.names.trace) {
            return row.error.is_none();
        }
        let rows = std::slice::from_mut(row);
        let stray = self.read_spans(rows, with_stray);
        checks::judge(rows, &self.known(stray));
        let ok = row.ok();
        row.spans = Vec::new(); // the receiver keeps them, and those that are still to come
        row.checks = Vec::new();
        ok
    }

    /// Judges the first rows of those that are finished, for good.
    fn judge_first(&mut self, count: usize) -> Vec<RowReport> {
        self.finished.sort_by_key(|row| row.row);
        let mut finished = std::mem::take(&mut self.finished);
        // Traces without a row are given to those that fit best, so all are needed to choose from.
        let needed = if self.form.names().trace {
            count
        } else {
            finished.len()
        };
        let stray = self.read_spans(&mut finished[..needed], true);
        self.finished = finished.split_off(count);
        let mut rows = finished;
        let known = self.known(stray);
        checks::judge(&mut rows, &known);
        self.stray = known.stray;
        for row in &rows {
            self.tally.add(row);
            self.follow.judged(row);
        }
        rows
    }

    /// Reads the rows' spans; gives those that are nobody's, if asked for.
    fn read_spans(&self, rows: &mut [RowReport], with_stray: bool) -> Vec<Span> {
        for row in &mut *rows {
            row.spans = self.receiver.trace(&row.trace_id);
        }
        if !with_stray {
            return Vec::new();
        }
        let store = self.receiver.store();
        let mut stray = store.stray_spans_since(self.first_request);
        if !self.form.names().trace {
            checks::adopt(rows, &mut stray);
        }
        stray
    }

    fn known(&self, stray: Vec<Span>) -> Run<'a> {
        Run {
            expect: &self.experiment.expect,
            stray,
            requests: self.receiver.store().request_count() - self.first_request,
            connections: self.receiver.connections(),
            misdirected: self.receiver.misdirected(),
        }
    }

    /// Keeps what a report says of a row that was judged long before its end.
    fn let_go(&mut self, mut row: RowReport) {
        self.forget(&row);
        if !row.ok() && self.failed_in_full < MOST_FAILED {
            self.failed_in_full += 1;
        } else {
            row.shorten();
        }
        self.judged.push(row);
    }

    fn forget(&self, row: &RowReport) {
        let store = self.receiver.store();
        store.forget(&row.trace_id);
        // A row whose request named no trace has those of others.
        let ids = row.spans.iter().map(|span| span.trace_id.as_str());
        for id in ids.collect::<HashSet<_>>() {
            store.forget(id);
        }
    }
}

/// What the task gave, or its panic.
fn joined(row: Result<RowReport, JoinError>) -> RowReport {
    match row {
        Ok(row) => row,
        Err(error) => std::panic::resume_unwind(error.into_panic()), // nobody else can abort these tasks
    }
}

/// What the agent did before a request failed is what one most wants to see; a request that was never sent
/// leaves nothing to wait for.
fn worth_waiting(row: &RowReport, wait: Duration) -> Duration {
    let attempts = row.earlier.iter().map(|(failure, _)| *failure);
    if attempts.chain(row.failure).all(Failure::never_sent) && row.failure.is_some() {
        Duration::ZERO
    } else {
        wait
    }
}
