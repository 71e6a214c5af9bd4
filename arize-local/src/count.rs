//! Counting what comes, without keeping it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Buf;
use http::HeaderMap;
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Code;

use crate::answer::Refusal;
use crate::protocol::Protocol;
use crate::request::{ExportRequest, space};

/// How much a receiver has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Export requests.
    pub requests: u64,
    /// Spans, those that came again among them.
    pub spans: u64,
    /// Spans of different ids, where ids are remembered: `spans` less these are duplicates.
    ///
    /// A span that comes in two spaces counts in the one where it came first.
    pub distinct_spans: Option<u64>,
    /// Spans whose `arize.space_id` is not the space of the request's header. A span without it is none of them.
    pub misrouted: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.spans += other.spans;
        self.misrouted += other.misrouted;
        if let Some(distinct) = other.distinct_spans {
            *self.distinct_spans.get_or_insert(0) += distinct;
        }
    }
}

/// What was counted, by space: that of the request's header, or nothing where it names none.
#[derive(Debug)]
pub(crate) struct Counting(Mutex<Tally>);

#[derive(Debug)]
struct Tally {
    spaces: BTreeMap<String, Counts>,
    /// The ids as numbers, where they are remembered.
    ids: Option<HashSet<u64>>,
}

impl Counting {
    pub(crate) fn new(with_ids: bool) -> Self {
        Self(Mutex::new(Tally {
            spaces: BTreeMap::new(),
            ids: with_ids.then(HashSet::new),
        }))
    }

    /// What can be counted of requests that were kept.
    pub(crate) fn of(requests: &[ExportRequest]) -> Self {
        let counting = Self::new(true);
        for request in requests {
            let spans = request.spans.iter();
            let space = request.space().unwrap_or_default();
            let differs = |id: &&str| *id != space;
            let misrouted = spans
                .clone()
                .filter_map(|span| span.attr_str("arize.space_id"))
                .filter(differs);
            let seen = Seen {
                misrouted: misrouted.count() as u64,
                ids: spans
                    .map(|span| u64::from_str_radix(&span.span_id, 16).unwrap_or_default())
                    .collect(),
            };
            counting.lock().add(space.to_owned(), &seen);
        }
        counting
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        // No code that can panic runs under the lock half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the spans of an encoded request.
    pub(crate) fn add(
        &self,
        headers: &HeaderMap,
        protocol: Protocol,
        message: &[u8],
    ) -> Result<(), Refusal> {
        let space = space(headers).unwrap_or_default();
        let seen = match protocol {
            Protocol::HttpJson => {
                Seen::in_message(&protocol.decode(message)?.encode_to_vec(), &space)
            }
            Protocol::Grpc | Protocol::HttpProtobuf => Seen::in_message(message, &space),
        };
        let seen = seen.ok_or_else(|| {
            Refusal::new(Code::InvalidArgument, "the body is not an export request")
        })?;
        self.lock().add(space, &seen);
        Ok(())
    }

    pub(crate) fn by_space(&self) -> BTreeMap<String, Counts> {
        self.lock().spaces.clone()
    }

    pub(crate) fn total(&self) -> Counts {
        let tally = self.lock();
        let mut total = Counts {
            distinct_spans: tally.ids.as_ref().map(|_| 0),
            ..Counts::default()
        };
        tally.spaces.values().for_each(|counts| total.add(*counts));
        total
    }
}

impl Tally {
    fn add(&mut self, space: String, seen: &Seen) {
        let distinct_spans = self.ids.as_mut().map(|ids| {
            let new = seen.ids.iter().filter(|id| ids.insert(**id));
            new.count() as u64
        });
        self.spaces.entry(space).or_default().add(Counts {
            requests: 1,
            spans: seen.ids.len() as u64,
            distinct_spans,
            misrouted: seen.misrouted,
        });
    }
}

/// What is counted of a request.
#[derive(Debug, Default)]
struct Seen {
    ids: Vec<u64>,
    misrouted: u64,
}

impl Seen {
    /// Reads what is counted of an `ExportTraceServiceRequest`, and skips the rest: decoding all of it would take
    /// most of the time of a load test. Nothing where it is none.
    fn in_message(message: &[u8], space: &str) -> Option<Self> {
        let mut seen = Self::default();
        for resource_spans in fields(message, 1) {
            for scope_spans in fields(resource_spans?, 2) {
                for span in fields(scope_spans?, 2) {
                    seen.add(span?, space)?;
                }
            }
        }
        Some(seen)
    }

    fn add(&mut self, span: &[u8], space: &str) -> Option<()> {
        let id = fields(span, 2).next().unwrap_or(Some(&[]))?;
        let id = id.iter().fold(0, |id, byte| id << 8 | u64::from(*byte));
        self.ids.push(id);
        for attribute in fields(span, 9) {
            let attribute = attribute?;
            if fields(attribute, 1).next()? == Some(b"arize.space_id") {
                let value = fields(attribute, 2).next().unwrap_or(Some(&[]))?;
                let value = fields(value, 1).next().unwrap_or(Some(&[]))?;
                self.misrouted += u64::from(value != space.as_bytes());
            }
        }
        Some(())
    }
}

/// The fields of this number in a message of protobuf, of those that have bytes; `None` where it is broken.
fn fields(mut rest: &[u8], number: u32) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        while rest.has_remaining() {
            match field(&mut rest) {
                Some((found, bytes)) if found == number => return Some(Some(bytes)),
                Some(_) => {}
                None => {
                    rest = &[];
                    return Some(None);
                }
            }
        }
        None
    })
}

/// Takes the next field, whose bytes are empty where it is a number.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let (number, wire) = decode_key(rest).ok()?;
    if wire != WireType::LengthDelimited {
        skip_field(wire, number, rest, DecodeContext::default()).ok()?;
        return Some((number, &[]));
    }
    let length = decode_varint(rest).ok()?.try_into().ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some((number, bytes))
}
