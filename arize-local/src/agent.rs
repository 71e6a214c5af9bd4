//! The agent: reached where it runs already, started and stopped where the command does that.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use http::Uri;
use tokio::net::{TcpStream, lookup_host};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::environment::Environment;
use crate::error::StartError;

/// How long a stopped agent may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// The agent, running or to be started.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// Its URL, such as `http://127.0.0.1:8000/invoke`.
    pub url: String,
    /// The command that starts it; empty where it runs already.
    pub command: Vec<String>,
    /// How long a started agent may take until its port accepts connections.
    pub start_timeout: Duration,
}

/// A started agent. Dropping it kills it and everything it started.
#[derive(Debug)]
pub(crate) struct AgentProcess {
    child: Child,
    /// The process id, kept because `child` forgets it when the process ends.
    #[cfg(unix)]
    group: Option<u32>,
    name: String,
}

impl AgentProcess {
    /// Starts the command with this environment on top of our own.
    ///
    /// What it prints goes to our standard error, so that standard output is the report alone.
    pub(crate) fn start(command: &[String], environment: &Environment) -> Result<Self, String> {
        let Some((program, arguments)) = command.split_first() else {
            return Err("no command after `--`; write the agent's command there".to_owned());
        };
        let mut process = Command::new(program);
        process
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(io::stderr())
            .kill_on_drop(true);
        process.envs(environment.set.iter().map(|(name, value)| (name, value)));
        for name in &environment.removed {
            process.env_remove(name);
        }
        #[cfg(unix)]
        process.process_group(0); // so that what it starts can be stopped as well
        let child = process.spawn().map_err(|error| {
            format!("cannot start `{program}`: {error}; write the agent's command after `--` as in a shell")
        })?;
        Ok(Self {
            #[cfg(unix)]
            group: child.id(),
            child,
            name: program.clone(),
        })
    }

    /// Waits until the port of the URL accepts connections.
    pub(crate) async fn ready(&mut self, uri: &Uri, most: Duration) -> Result<(), String> {
        let deadline = Instant::now() + most;
        loop {
            if accepts(uri).await.is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!(
                    "`{}` ended ({}) before {uri} accepted connections; see its output above",
                    self.name, status
                ));
            }
            if Instant::now() >= deadline {
                return Err(format!(
                    "`{}` runs, but {uri} accepts no connections after {} s; compare its port with `--agent`, or \
                     raise `--start-timeout`",
                    self.name,
                    most.as_secs_f64()
                ));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks the agent to end, and kills it if it does not.
    pub(crate) async fn stop(mut self) {
        self.signal(false);
        let _ = timeout(GRACE, self.child.wait()).await;
        // `drop` kills the rest of the group, which may outlive its leader.
    }

    #[cfg(unix)]
    fn signal(&self, kill: bool) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = if kill { Signal::KILL } else { Signal::TERM };
        // The leader's id is the group's, and is not given to another process while one of the group lives.
        let group = self
            .group
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            let _ = kill_process_group(group, signal); // an error: the group is gone already
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _kill: bool) {}
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        self.signal(true);
    }
}

/// Whether something accepts connections at the URL's host and port.
pub(crate) async fn accepts(uri: &Uri) -> io::Result<()> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri
        .port_u16()
        .unwrap_or(if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        });
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    match timeout(
        Duration::from_secs(5),
        TcpStream::connect(addresses.as_slice()),
    )
    .await
    {
        Ok(connected) => connected.map(drop),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Starts the agent where there is a command for it, and sees that it can be reached.
pub(crate) async fn ready_agent(
    options: &AgentOptions,
    uri: &Uri,
    environment: &Environment,
) -> Result<Option<AgentProcess>, StartError> {
    let reached = accepts(uri).await;
    if options.command.is_empty() {
        return match reached {
            Ok(()) => Ok(None),
            Err(error) => Err(format!(
                "cannot reach the agent at {uri}: {error}; start it with the variables above, or give its command \
                 after `--`"
            )
            .into()),
        };
    }
    if reached.is_ok() {
        return Err(format!(
            "something else already accepts connections at {uri}; end it, or leave out the command after `--` to \
             use it"
        )
        .into());
    }
    let mut process = AgentProcess::start(&options.command, environment)?;
    process.ready(uri, options.start_timeout).await?;
    Ok(Some(process))
}
