//! A span as it is to arrive, in buffers that are used again.

use opentelemetry_sdk::trace::SpanData;

use super::attributes::{route_of, set_route, settle};
use super::encode::encode_span;
use super::{gen_ai, masking};
use crate::trace_config::TraceConfig;

/// Room for a span of this size is kept.
const KEPT_BYTES: usize = 64 * 1024;

/// Kept to be used again, so that a span in a known route costs no allocation here.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) space_id: String,
    pub(super) project_name: String,
    pub(super) encoded: Vec<u8>,
}

impl Buffers {
    /// Encodes a span as it is to arrive, unless it has no route.
    pub(super) fn encode(&mut self, mut span: SpanData, trace_config: &TraceConfig) -> bool {
        let Self {
            space_id,
            project_name,
            encoded,
        } = self;
        space_id.clear();
        project_name.clear();
        encoded.clear();
        encoded.shrink_to(KEPT_BYTES);
        settle(&mut span.attributes);
        gen_ai::translate(&mut span.attributes);
        let Ok((space, project)) = route_of(&span.attributes) else {
            return false;
        };
        space_id.push_str(space);
        project_name.push_str(project);
        set_route(&mut span.attributes, space_id, project_name);
        masking::apply(trace_config, &mut span);
        encode_span(&span, encoded);
        true
    }
}
