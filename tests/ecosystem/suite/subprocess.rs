//! Agents that work in another process.
