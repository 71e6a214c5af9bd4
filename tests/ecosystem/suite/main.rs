//! An agent beside the libraries that agents are built with: their spans, their clients, their processes.
