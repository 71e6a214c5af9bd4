//! The command `arize-local schema`, as a function.

use std::fmt;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, Uri};
use serde_json::Value;

use crate::agent::{AgentOptions, AgentProcess, ready_agent};
use crate::client::{Client, agent_uri};
use crate::contract::Contract;
use crate::dataset::{DatasetFormat, read_dataset};
use crate::environment::Environment;
use crate::error::StartError;
use crate::listen::{ReceiveOptions, cannot_print, listen};
use crate::protocol::Protocol;

/// What `arize-local schema` is told on its command line.
#[derive(Clone)]
pub struct SchemaOptions {
    /// The agent, running or to be started; the URL is that of its schema.
    pub agent: AgentOptions,
    /// The dataset to compare with the schema; `-` is standard input.
    pub dataset: Option<PathBuf>,
    /// How the dataset is written, where its name does not tell.
    pub format: Option<DatasetFormat>,
    /// More headers, for authorization for example.
    pub headers: HeaderMap,
    /// How long the answer may take.
    pub timeout: Duration,
}

impl fmt::Debug for SchemaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers' values may be secret.
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("SchemaOptions")
            .field("agent", &self.agent)
            .field("dataset", &self.dataset)
            .field("format", &self.format)
            .field("headers", &headers)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// What is wrong with a schema, or does not fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaReport {
    /// Each in one line; none where all is right.
    pub faults: Vec<String>,
    /// How many rows were compared.
    pub rows: usize,
    /// How many request presets were compared.
    pub presets: usize,
}

/// Reads an agent's schema, prints it on `out` as it came, and compares the presets and a dataset's rows with it.
///
/// The agent answers a GET with JSON: a JSON Schema (Draft-07) of its request body, or an object that has it as
/// `json_schema`, with an `input_template` and `request_presets` beside it. A schema with a property `input` is that
/// of the wrapped body, any other one of a body with the row's fields at its top level.
///
/// # Errors
///
/// Returns why there is no schema to be read. What is wrong with one is in the report.
pub async fn schema(
    options: SchemaOptions,
    out: &mut impl Write,
) -> Result<SchemaReport, StartError> {
    let uri = agent_uri(&options.agent.url)?;
    let rows = match &options.dataset {
        Some(dataset) => read_dataset(dataset, options.format)?,
        None => Vec::new(),
    };
    let process = if options.agent.command.is_empty() {
        None
    } else {
        start(&options.agent, &uri).await?
    };
    let client = Client::new(&uri)?;
    let answer = client.get(&uri, options.headers, options.timeout).await;
    if let Some(process) = process {
        process.stop().await;
    }
    let answer = answer
        .map_err(|(failure, error)| format!("cannot read {uri}: {error}; {}", failure.remedy()))?;
    let what = match answer.body {
        body @ Value::Object(_) if answer.status == 200 => Ok(body),
        _ if answer.status != 200 => Err(format!("HTTP status {}", answer.status)),
        _ => Err("no JSON object".to_owned()),
    };
    let body = what.map_err(|what| {
        format!(
            "{uri} answers with {what}; give `--agent` the address of a route that answers a GET with the agent's \
             JSON Schema"
        )
    })?;
    writeln!(out, "{body:#}")
        .and_then(|()| out.flush())
        .map_err(|error| cannot_print(&error))?;
    let contract = Contract::of(&body);
    Ok(SchemaReport {
        faults: contract.faults(&rows),
        rows: rows.len(),
        presets: contract.presets(),
    })
}

/// Starts the agent, which exports to a receiver that is gone soon: what it makes of a GET is nobody's trace.
async fn start(agent: &AgentOptions, uri: &Uri) -> Result<Option<AgentProcess>, StartError> {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let receive = ReceiveOptions {
        otlp_grpc: free,
        otlp_http: free,
        ..ReceiveOptions::default()
    };
    let receiver = listen(&receive).await?;
    let environment = Environment::new(&receiver, Protocol::Grpc);
    ready_agent(agent, uri, &environment).await
}
