//! The form of the requests.

use arize_local::{Baggage, BodyShape, Metadata, RequestForm, StartError, Template, Traceparent};
use clap::{Args, ValueEnum};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

#[derive(Args)]
#[command(next_help_heading = "Request form")]
pub(crate) struct FormArgs {
    /// Where the row stands in the body: `wrapped` as `input`, `top-level` with its fields beside `arize_metadata`
    #[arg(
        long,
        value_name = "SHAPE",
        default_value = "wrapped",
        hide_possible_values = true
    )]
    body: Body,

    /// A body of your own: JSON whose strings may hold `{{column}}`, or `@FILE` with such JSON
    ///
    /// `"{{goal}}"` alone becomes the row's value with its type, inside a longer string it becomes text;
    /// `{{user.id}}` is a field of a column. `arize_metadata` is added beside the template's fields, unless
    /// `"{{arize_metadata}}"` places it.
    #[arg(long, value_name = "JSON|@FILE", conflicts_with = "body")]
    template: Option<String>,

    /// What `arize_metadata` says: `full`, `no-project` (without `project_name`), `none` (there is none), `null`
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "full",
        hide_possible_values = true
    )]
    metadata: MetadataArg,

    /// Sends no `baggage` header
    #[arg(long)]
    no_baggage: bool,

    /// Sends no `traceparent` and `tracestate` headers
    ///
    /// The agent's spans then come in traces of their own. Each row gets those that fit its time and space, after
    /// all of `--wait`; what only the trace asked for can show is not judged.
    #[arg(long)]
    no_traceparent: bool,

    /// One more header, for authorization for example; may be given several times
    ///
    /// It replaces a header of the same name that would be sent otherwise. Its value is never printed.
    #[arg(long, value_name = "NAME=VALUE")]
    header: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Body {
    Wrapped,
    TopLevel,
}

impl From<Body> for BodyShape {
    fn from(body: Body) -> Self {
        match body {
            Body::Wrapped => Self::Wrapped,
            Body::TopLevel => Self::TopLevel,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum MetadataArg {
    Full,
    NoProject,
    None,
    Null,
}

impl TryFrom<FormArgs> for RequestForm {
    type Error = StartError;

    fn try_from(args: FormArgs) -> Result<Self, StartError> {
        let mut form = Self::default();
        form.body = args.body.into();
        form.template = args.template.as_deref().map(template).transpose()?;
        form.metadata = match args.metadata {
            MetadataArg::Full => Metadata::Full,
            MetadataArg::NoProject => Metadata::NoProject,
            MetadataArg::None => Metadata::None,
            MetadataArg::Null => Metadata::Null,
        };
        if args.no_baggage {
            form.baggage = Baggage::None;
        }
        if args.no_traceparent {
            form.traceparent = Traceparent::None;
        }
        form.headers = headers("--header", &args.header)?;
        Ok(form)
    }
}

fn template(text: &str) -> Result<Template, StartError> {
    let Some(path) = text.strip_prefix('@') else {
        return text.parse();
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("cannot read the template `{path}`: {error}; name a file with JSON, or write the JSON itself")
    })?;
    text.parse()
}

/// Reads the `NAME=VALUE`s of an option. No error shows a value: it may be a secret.
pub(crate) fn headers(option: &str, arguments: &[String]) -> Result<HeaderMap, StartError> {
    let mut headers = HeaderMap::new();
    for argument in arguments {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if !name.contains(':') => (name.trim(), value.trim()),
            _ => return Err(without_equals(option, argument).into()),
        };
        let name: HeaderName = name.parse().map_err(|_| {
            format!("`{name}` is no name of a header; write `{option} NAME=VALUE`, such as `x-api-key=...`")
        })?;
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            return Err(format!("`{name}` follows from the body; leave it out").into());
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            format!("the value of the header `{name}` has characters that no header may have; see that it is one line")
        })?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// `authorization: Bearer ...` is how headers are written elsewhere.
fn without_equals(option: &str, argument: &str) -> String {
    let name = argument.split([':', '=']).next().unwrap_or_default();
    match name.trim().parse::<HeaderName>() {
        Ok(name) if argument.contains(':') => {
            format!("`{option}` is written with `=`, not with `:`; write `{option} '{name}=...'`")
        }
        _ => format!("a `{option}` has no `=`; write `{option} NAME=VALUE`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(argument: &str) -> String {
        let error = headers("--header", &[argument.to_owned()]).expect_err("is refused");
        error.to_string()
    }

    #[test]
    fn headers_are_read_and_values_are_not_shown() {
        let arguments = ["X-Key=a=b", "authorization = Bearer secret"].map(str::to_owned);
        let headers = headers("--header", &arguments).expect("is right");
        assert_eq!(headers["x-key"], "a=b");
        assert_eq!(headers["authorization"], "Bearer secret");
        assert!(!format!("{headers:?}").contains("secret"), "{headers:?}");
    }

    #[test]
    fn wrong_headers_are_told_without_their_values() {
        let colon = error("Authorization: Bearer secret==");
        assert!(
            colon.contains("'authorization=...'") && !colon.contains("secret"),
            "{colon}"
        );
        for argument in ["secret", "x-key=sec\nret", "a b=secret", "content-length=5"] {
            let error = error(argument);
            assert!(error.contains("; ") && !error.contains("secret"), "{error}");
        }
    }
}
