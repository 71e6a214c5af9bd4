//! Tests of the workspace, as users would write them; see `suite`, `ui` and `fixtures`.
