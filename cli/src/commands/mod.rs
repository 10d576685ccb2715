//! The commands, a file each.

mod bench;
mod check;
mod dump;
mod explain;
mod export;
mod groups;
mod import;
mod known_table;
mod manual;
mod ping;
mod plan;
mod route;
mod servers;
mod shards;
mod status;
mod tables;
mod watch;

use std::thread;

use mysqlfabric::config::Config;
use mysqlfabric::router::Router;
use mysqlfabric::topology::Wanted;

use crate::args::{Cli, Command, Repeat, Role};
use crate::exit::{Exit, Failure, Result};
use crate::output::{Output, Progress, is_seen};
use crate::settings::{Settings, seconds};

/// Does what the command line says.
pub fn run(cli: &Cli, out: Output) -> Result<Exit> {
    if let Command::Manual { directory } = &cli.command {
        return manual::run(directory);
    }
    let settings = Settings::of(cli)?;
    let run = Run { settings, out };
    match &cli.command {
        Command::Route(args) => route::run(&run, args),
        Command::Explain(args) => explain::run(&run, args),
        Command::Status(args) => status::run(&run, args),
        Command::Tables(repeat) => tables::run(&run, *repeat),
        Command::Shards(args) => shards::run(&run, args),
        Command::Groups(args) => groups::run(&run, args),
        Command::Servers(args) => servers::run(&run, args),
        Command::Watch(args) => watch::run(&run, args),
        Command::Ping(args) => ping::run(&run, args),
        Command::Dump(args) => dump::run(&run, args),
        Command::Check(args) => check::run(&run, args),
        Command::Import(args) => import::run(&run, args),
        Command::Export(args) => export::run(&run, args),
        Command::Plan(args) => plan::run(&run, args),
        Command::Bench(args) => bench::run(&run, args),
        Command::Manual { .. } => Ok(Exit::Done),
    }
}

/// What every command has at hand.
pub struct Run {
    pub settings: Settings,
    pub out: Output,
}

impl Run {
    /// The farm of the source, loaded whole.
    pub fn load(&self) -> Result<Router> {
        self.load_of(self.settings.config()?)
    }

    /// The farm of a configuration, loaded whole.
    pub fn load_of(&self, config: Config) -> Result<Router> {
        let router = Router::new(config);
        let _progress = Progress::of("loading the farm");
        router.seed(None)?;
        Ok(router)
    }

    /// Says once, or again and again, what of the farm could be loaded: `say` gets why the rest could not, which
    /// is the failure at the end.
    pub fn look(
        &self,
        repeat: Repeat,
        mut say: impl FnMut(&Router, Option<&Failure>) -> Result<Exit>,
    ) -> Result<Exit> {
        let router = Router::new(self.settings.config()?);
        let load = || {
            let _progress = Progress::of("loading the farm");
            router.seed(None).map_err(Failure::from)
        };
        let mut loaded = load();
        let is_empty = router.groups(|_| Ok(()))?.is_empty()
            && router.tables(usize::MAX, |_, _, _| Ok(()))?.is_empty();
        if is_empty && loaded.is_err() {
            return loaded.map(|()| Exit::Done);
        }
        let mut is_first = true;
        let said = self.repeat(repeat, || {
            if loaded.is_err() && !is_first {
                loaded = load();
            }
            is_first = false;
            say(&router, loaded.as_ref().err())
        });
        loaded.and(said)
    }

    /// Says something once, or again and again until it fails or somebody ends the command.
    pub fn repeat(&self, repeat: Repeat, mut say: impl FnMut() -> Result<Exit>) -> Result<Exit> {
        let Some(every) = repeat.watch else { return say() };
        let every = seconds(every, "--watch")?;
        for time in 1.. {
            if is_seen() && !self.out.json {
                // To the upper left corner, and nothing below.
                self.out.text("\u{1b}[H\u{1b}[2J")?;
            } else if time > 1 && !self.out.json {
                self.out.text("\n")?;
            }
            let exit = say()?;
            if repeat.count.is_some_and(|count| time >= count) {
                return Ok(exit);
            }
            thread::sleep(every);
        }
        Ok(Exit::Done)
    }
}

/// What a server is wanted for, as the library has it.
fn wanted(role: Role) -> Wanted {
    match role {
        Role::Write => Wanted::Primary,
        Role::Read => Wanted::Reader,
    }
}
