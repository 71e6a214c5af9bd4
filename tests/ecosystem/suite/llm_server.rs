//! A server that speaks the wire formats of `OpenAI` and Anthropic.
