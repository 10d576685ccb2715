//! The command, run as people and scripts run it: against fabricd, and files.

mod check;
mod documented;
mod exits;
mod files;
mod inspect;
mod pipes;
mod plan;
mod plan_into;
mod settings;
mod support;
mod watch;
