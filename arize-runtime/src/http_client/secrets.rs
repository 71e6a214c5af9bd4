//! What is never recorded: credentials of requests, in headers, addresses, bodies and the errors that quote them.

use http::HeaderMap;
use reqwest::Url;
use serde_json::Value;

use crate::semconv::REDACTED;

/// Header lines that say who asks.
const HEADERS: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "cookie",
];

/// Members of a body that say who asks: of tools that run elsewhere, and of gateways.
const MEMBERS: [&str; 6] = [
    "authorization",
    "authorization_token",
    "api_key",
    "x-api-key",
    "access_token",
    "aws_secret_access_key",
];

/// Shorter ones would hit words that are none.
const SHORTEST: usize = 8;

/// The credentials of one request.
#[derive(Default)]
pub(super) struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    pub(super) fn of(headers: &HeaderMap, url: &Url) -> Self {
        let lines = HEADERS.iter().flat_map(|name| headers.get_all(*name));
        let lines = lines.filter_map(|line| line.to_str().ok());
        let words = lines.flat_map(str::split_whitespace).map(str::to_owned);
        let query = url.query_pairs().map(|(_, value)| value.into_owned());
        let secrets = words.chain(query).chain(url.password().map(str::to_owned));
        Self(secrets.filter(|secret| secret.len() >= SHORTEST).collect())
    }

    /// `text` without these, without the queries and user information of addresses, and without keys that are
    /// shown in part.
    pub(super) fn removed_from(&self, text: &str) -> String {
        let text = self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), REDACTED)
        });
        let words = text.split_inclusive(char::is_whitespace);
        words.map(without_secret).collect()
    }
}

fn without_secret(word: &str) -> String {
    if word.contains("***") {
        let space: String = word.chars().filter(|c| c.is_whitespace()).collect();
        return format!("{REDACTED}{space}");
    }
    let start = word.find("http://").or_else(|| word.find("https://"));
    let Some(start) = start else {
        return word.to_owned();
    };
    let address =
        word[start..].trim_end_matches(|c: char| c.is_whitespace() || "),.:;'\"".contains(c));
    let (before, after) = (&word[..start], &word[start + address.len()..]);
    match Url::parse(address) {
        Ok(url) => format!("{before}{}{after}", shown(&url)),
        Err(_) => format!("{before}{REDACTED}{after}"),
    }
}

/// An address without user information, fragment and the values of its query.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // fails for an address without a host, which has none of them
    let _ = (shown.set_username(""), shown.set_password(None));
    shown.set_fragment(None);
    if url.query().is_some() {
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name).collect();
        let mut pairs = shown.query_pairs_mut();
        pairs.clear();
        for name in &names {
            pairs.append_pair(name, REDACTED);
        }
    }
    shown.into()
}

/// Hides credentials and long embedded images in a body; whether there were any.
pub(super) fn hide(body: &mut Value, longest_image: usize) -> bool {
    let mut hidden = false;
    match body {
        Value::Array(elements) => {
            for element in elements {
                hidden |= hide(element, longest_image);
            }
        }
        Value::Object(members) => {
            let is_image = members
                .get("media_type")
                .and_then(Value::as_str)
                .is_some_and(|kind| kind.starts_with("image/"));
            for (key, value) in members {
                let key = key.to_ascii_lowercase();
                let is_secret = value.is_string() && MEMBERS.contains(&key.as_str());
                let is_long = |data: &str| is_image && key == "data" && data.len() > longest_image;
                if is_secret || value.as_str().is_some_and(is_long) {
                    *value = REDACTED.into();
                    hidden = true;
                } else {
                    hidden |= hide(value, longest_image);
                }
            }
        }
        Value::String(text) if is_long_image(text, longest_image) => {
            *body = REDACTED.into();
            hidden = true;
        }
        _ => {}
    }
    hidden
}

fn is_long_image(text: &str, most: usize) -> bool {
    text.len() > most && text.starts_with("data:image/") && text.contains("base64")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("it is one")
    }

    #[test]
    fn an_address_is_shown_without_what_is_secret() {
        for (address, expected) in [
            (
                "https://api.example.com/v1?x=1#f",
                "https://api.example.com/v1?x=__REDACTED__",
            ),
            ("http://user:pass@host:81/a", "http://host:81/a"),
            (
                "http://host/a?key=k&key=l&",
                "http://host/a?key=__REDACTED__&key=__REDACTED__",
            ),
            ("http://host/a", "http://host/a"),
        ] {
            assert_eq!(shown(&url(address)), expected);
        }
    }

    #[test]
    fn errors_quote_no_credentials() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            "Bearer sk-secret-1".parse().expect("a line"),
        );
        headers.insert("x-api-key", "own-secret-2".parse().expect("a line"));
        let secrets = Secrets::of(&headers, &url("http://host/?key=query-secret-3"));
        for (text, expected) in [
            (
                "the key sk-secret-1, or own-secret-2",
                "the key __REDACTED__, or __REDACTED__",
            ),
            ("no query-secret-3 here", "no __REDACTED__ here"),
            (
                "Incorrect API key provided: sk-ab***cd. Find",
                "Incorrect API key provided: __REDACTED__ Find",
            ),
            (
                "for url (http://u:p@host/?a=b): no",
                "for url (http://host/?a=__REDACTED__): no",
            ),
            ("a plain\nerror", "a plain\nerror"),
        ] {
            assert_eq!(secrets.removed_from(text), expected);
        }
    }

    #[test]
    fn bodies_are_recorded_without_credentials_and_long_images() {
        let image = format!("data:image/png;base64,{}", "A".repeat(50));
        let mut body = json!({
            "tools": [{"type": "mcp", "Authorization": "secret", "parameters": {"api_key": {"type": "string"}}}],
            "image": image, "source": {"media_type": "image/png", "data": "A".repeat(50)}, "data": "A".repeat(50)
        });
        assert!(hide(&mut body, 40));
        assert_eq!(body["tools"][0]["Authorization"], REDACTED);
        assert_eq!(body["tools"][0]["parameters"]["api_key"]["type"], "string");
        assert_eq!(
            [&body["image"], &body["source"]["data"]],
            [REDACTED, REDACTED]
        );
        assert_ne!(body["data"], REDACTED);
        assert!(!hide(&mut json!({"image": image}), usize::MAX));
    }
}
