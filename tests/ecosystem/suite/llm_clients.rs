//! Calls of models by clients that make no spans.
