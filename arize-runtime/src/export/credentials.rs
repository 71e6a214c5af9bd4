//! The headers of a request, and what must never be shown.

use std::fmt;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::error::InstallError;

/// The API key and the user's own headers. `Debug` shows neither.
#[derive(Clone)]
pub(crate) struct Credentials {
    key: Option<HeaderValue>,
    /// What is taken out of texts that a collector sends, and what is put there. The longest first, since one may
    /// be a part of another.
    secrets: Arc<[(String, &'static str)]>,
    extra: HeaderMap,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn new(
        key: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<Self, InstallError> {
        let value = match key {
            Some(key) => {
                let mut value =
                    HeaderValue::from_str(key).map_err(|_| InstallError::ApiKeyInvalid)?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let mut extra = HeaderMap::new();
        for (name, value) in headers {
            let error = || InstallError::Header { name: name.clone() };
            let header = HeaderName::try_from(name.as_str()).map_err(|_| error())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| error())?;
            if is_of_the_protocol(&header) {
                return Err(error());
            }
            value.set_sensitive(true);
            extra.append(header, value);
        }
        Ok(Self {
            key: value,
            secrets: secrets(key, headers),
            extra,
        })
    }

    /// The headers of a request: the user's first and ours last, so that nothing can change ours.
    pub(crate) fn headers(&self, space_id: &str) -> HeaderMap {
        let mut headers = self.routed(space_id);
        headers.reserve(4);
        for (name, value) in [
            ("arize-interface", "otel"),
            ("sdk-language", "rust"),
            ("sdk-version", env!("CARGO_PKG_VERSION")),
            ("sdk-package-name", env!("CARGO_PKG_NAME")),
        ] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    /// Those of them that any sender needs.
    pub(crate) fn routed(&self, space_id: &str) -> HeaderMap {
        let mut headers = self.extra.clone();
        headers.reserve(8);
        if let Some(key) = &self.key {
            headers.insert(AUTHORIZATION, key.clone());
            headers.insert(HeaderName::from_static("api_key"), key.clone());
        }
        // Ids are checked where they come in; one that cannot be a header is never sent as another.
        let space_id =
            HeaderValue::from_str(space_id).unwrap_or_else(|_| HeaderValue::from_static(""));
        headers.insert(HeaderName::from_static("arize-space-id"), space_id.clone());
        headers.insert(HeaderName::from_static("space_id"), space_id);
        headers
    }

    /// A collector's own words, fit for a log: one line, not too long, without what is secret.
    pub(crate) fn clean(&self, message: &str) -> String {
        let mut message = message.to_owned();
        for (secret, placeholder) in &*self.secrets {
            if message.contains(secret) {
                message = message.replace(secret, placeholder);
            }
        }
        let shown = message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c });
        shown.take(500).collect()
    }
}

/// The key, and each word of the values of headers: `Bearer` and a token are two. Words of less than 8 letters
/// are no secrets, and texts without each `1` would say little.
fn secrets(key: Option<&str>, headers: &[(String, String)]) -> Arc<[(String, &'static str)]> {
    let key = key.filter(|key| !key.is_empty());
    let key = key.map(|key| (key.to_owned(), "[the API key]"));
    let words = headers
        .iter()
        .flat_map(|(_, value)| value.split_whitespace());
    let words = words.filter(|word| word.len() >= 8);
    let words = words.map(|word| (word.to_owned(), "[a header's value]"));
    let mut secrets: Vec<_> = key.into_iter().chain(words).collect();
    secrets.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
    secrets.into()
}

/// Headers that belong to HTTP or gRPC and would break the request.
fn is_of_the_protocol(name: &HeaderName) -> bool {
    const NAMES: [&str; 8] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "te",
        "transfer-encoding",
        "user-agent",
    ];
    NAMES.contains(&name.as_str()) || name.as_str().starts_with("grpc-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "secret-key";

    fn credentials(headers: &[(&str, &str)]) -> Result<Credentials, InstallError> {
        let headers: Vec<_> = headers
            .iter()
            .map(|&(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        Credentials::new(Some(KEY), &headers)
    }

    #[test]
    fn the_users_headers_cannot_change_ours() {
        let ours = [
            ("authorization", "other"),
            ("Arize-Space-Id", "other"),
            ("space_id", "other"),
        ];
        let mut all = ours.to_vec();
        all.push(("x-team", "blue"));
        let headers = credentials(&all)
            .expect("good headers")
            .headers("U3BhY2U6MQ==");
        let values = |name| headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(values("authorization"), [KEY]);
        assert_eq!(values("api_key"), [KEY]);
        assert_eq!(values("arize-space-id"), ["U3BhY2U6MQ=="]);
        assert_eq!(values("space_id"), ["U3BhY2U6MQ=="]);
        assert_eq!(values("x-team"), ["blue"]);
    }

    #[test]
    fn headers_of_the_protocol_are_refused() {
        for name in ["grpc-timeout", "Content-Type", "te", "b a d"] {
            let error = credentials(&[(name, "x")]).expect_err(name).to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn the_values_of_headers_are_not_in_what_a_collector_says() {
        let headers = [
            ("proxy-authorization", "Bearer secret-key-2"),
            ("x-shard", "7"),
        ];
        let credentials = credentials(&headers).expect("good headers");
        assert_eq!(
            credentials.clean("7: secret-key-2 is no Bearer of secret-key"),
            "7: [a header's value] is no Bearer of [the API key]"
        );
    }

    #[test]
    fn the_key_is_never_shown() {
        let credentials = credentials(&[("x", "other secret")]).expect("good headers");
        let shown = format!("{credentials:?} {:?}", credentials.headers("s"));
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(credentials.clean("no\nsecret-key"), "no [the API key]");
        assert!(
            !Credentials::new(Some("a\nb"), &[])
                .expect_err("a newline")
                .to_string()
                .contains("a\nb")
        );
    }
}
