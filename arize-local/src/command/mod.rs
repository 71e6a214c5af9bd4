//! The command line: one file for each subcommand, with its arguments and its help.

pub(crate) mod run;
