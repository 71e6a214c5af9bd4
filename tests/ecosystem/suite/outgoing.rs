//! Calls of other services: what they carry, and where a second agent's spans land.
