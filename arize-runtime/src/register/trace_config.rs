//! What is recorded and sent of each span, from code and environment.

use std::sync::Arc;

use super::settings::variable;
use super::{Registration, Routes};
use crate::error::InstallError;
use crate::masked_keys::MaskedKeys;
use crate::notice::{Notice, warn};
use crate::semconv;
use crate::trace_config::{Hidden, Masking, TraceConfig};

impl<R: Routes> Registration<R> {
    /// Hides something of every span of this pipeline before it leaves, whoever made the span. Called again,
    /// it hides more. With [`Hidden::Inputs`] the arguments of annotated functions are not even serialised,
    /// with [`Hidden::Outputs`] their results; a handler's body is still read for its route.
    ///
    /// The variables `OPENINFERENCE_HIDE_INPUTS`, `_OUTPUTS`, `_INPUT_MESSAGES` and so on hide too; one that
    /// cannot be read hides what it names, and is told.
    ///
    /// ```
    /// use arize_runtime::{Hidden, register_with_routing};
    /// let registration = register_with_routing().hide(Hidden::Inputs).hide(Hidden::EmbeddingsVectors);
    /// ```
    pub fn hide(mut self, hidden: Hidden) -> Self {
        self.masking.hide(hidden);
        self
    }

    /// Hides the values of these keys wherever JSON is recorded: `password` is that key at any depth, and
    /// `card.number` a key `number` of what stands under a key `card`, with any lists between. Such a value
    /// becomes `"__REDACTED__"` before it reaches the span, so that no other span processor sees it. Called
    /// again, it masks more.
    ///
    /// ```
    /// # use arize_runtime::register_with_routing;
    /// let registration = register_with_routing().mask_keys(["password", "card.number"]);
    /// ```
    ///
    /// - Keys are those of arguments (a tool's `password: &str` is one), results, a handler's body, metadata of
    ///   scopes and of requests, and of JSON that code sets as a text attribute, which is masked as it is sent.
    ///   They are compared letter by letter, upper and lower case.
    /// - A span's attribute whose whole key is a path is hidden too: `attributes(card.number = n)`, and with the
    ///   path `metadata` what says which experiment a span belongs to. The space, the project and the kind are
    ///   not. The value of an attribute stands under its key, as an argument's does under its name.
    /// - A text is masked where it is itself a JSON object or array, and is untouched otherwise. A tool's schema
    ///   is kept. Of an event the attributes are masked, and JSON at the end of its name, where libraries log
    ///   their requests.
    ///
    /// What it does not catch, and what does:
    ///
    /// | not caught | write |
    /// |---|---|
    /// | free text with a secret in it, JSON inside a code fence or a sentence, the content of messages | `redact(name)` in the attribute, an `input = ..` or `output = ..` without it, or [`hide`](Self::hide) with [`Hidden::Inputs`], [`Hidden::InputText`] and so on |
    /// | JSON that is a string inside of JSON, as in `"arguments": "{..}"` | the path `arguments` |
    /// | texts of errors and panics | [`Hidden::Inputs`], which hides them as well; errors that do not quote |
    /// | the text of an argument that is `debug(name)` | `redact(name)`, or `Serialize` for its type |
    /// | `card.number` of a value that has no key `card` above it: `input = &card`, a result that is the card | the path `number`, or `input = json!({"card": card})` |
    /// | what other code puts onto spans as text that is no JSON | the whole key of that attribute as a path, or [`hide`](Self::hide) |
    ///
    /// An empty path, or one with an empty key, is an error when the pipeline is made.
    pub fn mask_keys(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.masked_keys.extend(paths.into_iter().map(Into::into));
        self
    }

    /// How many bytes of a text attribute are sent, 32,768 unless said. A longer text is cut between
    /// characters and says how long it was; `input.value` and `output.value` are `text/plain` then.
    pub fn max_value_length(mut self, bytes: usize) -> Self {
        self.max_value_length = bytes;
        self
    }

    /// How many bytes the URL of an image may have that is the image itself (`data:image/png;base64,..`), 32,000
    /// unless said here or by `OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH`. A longer one is sent as `__REDACTED__`; none
    /// is cut by [`max_value_length`](Self::max_value_length).
    ///
    /// It counts for `image.url` of messages and of `input.images` and `output.images`. A variable that cannot
    /// be read leaves no such image, and is told.
    ///
    /// ```
    /// # use arize_runtime::register_with_routing;
    /// let registration = register_with_routing().base64_image_max_length(0); // no image
    /// ```
    pub fn base64_image_max_length(mut self, bytes: usize) -> Self {
        self.base64_image_max_length = Some(bytes);
        self
    }

    pub(super) fn trace_config(&self) -> Result<TraceConfig, InstallError> {
        let masked_keys = MaskedKeys::new(&self.masked_keys)?;
        Ok(TraceConfig {
            masking: self.masking(),
            max_value_length: self.max_value_length,
            base64_image_max_length: self.image_length(),
            masked_keys: (!masked_keys.is_empty()).then(|| Arc::new(masked_keys)),
        })
    }

    /// What code or environment hides. A variable that cannot be read was meant to hide something.
    fn masking(&self) -> Masking {
        let mut masking = self.masking;
        for (hidden, names) in Hidden::ALL {
            for name in names {
                let name = format!("{}{name}", semconv::ENV_HIDE);
                let Some(value) = (self.environment)(&name) else {
                    continue;
                };
                match value.trim().to_ascii_lowercase().as_str() {
                    "false" | "0" | "no" | "off" => continue,
                    "true" | "1" | "yes" | "on" => {}
                    _ => warn(Notice::Setting, || {
                        format!(
                            "`{name}={value}` cannot be read and hides; write `true` or `false`"
                        )
                    }),
                }
                masking.hide(hidden);
            }
        }
        masking
    }

    /// Code before environment. A variable that cannot be read was meant to hide something.
    fn image_length(&self) -> usize {
        const UNLESS_SAID: usize = 32_000;
        let name = semconv::ENV_BASE64_IMAGE_MAX_LENGTH;
        if let Some(length) = self.base64_image_max_length {
            return length;
        }
        let Some(value) = variable(&self.environment, name) else {
            return UNLESS_SAID;
        };
        value.trim().parse().unwrap_or_else(|_| {
            warn(Notice::Setting, || {
                format!("`{name}={value}` cannot be read and hides; write a number, like `32000`")
            });
            0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register_with_routing;

    #[test]
    fn masking_fails_closed() {
        let masked = |value: &'static str| {
            let variable =
                move |name: &str| (name == "OPENINFERENCE_HIDE_INPUTS").then(|| value.to_owned());
            register_with_routing().with_environment(variable).masking()
        };
        let mut inputs = Masking::default();
        inputs.hide(Hidden::Inputs);
        for value in ["true", "TRUE", " true", "1", "yes", "on", "", "maybe"] {
            assert_eq!(masked(value), inputs, "{value:?}");
        }
        for value in ["false", "False", "0", "no", "off"] {
            assert_eq!(masked(value), Masking::default(), "{value:?}");
        }
    }

    #[test]
    fn the_length_of_images_is_of_the_code_then_of_the_environment_and_fails_closed() {
        let of = |value: &'static str| {
            let variable = move |name: &str| {
                (name == "OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH").then(|| value.to_owned())
            };
            register_with_routing().with_environment(variable)
        };
        for (value, length) in [
            ("64000", 64_000),
            (" 0 ", 0),
            ("", 32_000),
            ("32k", 0),
            ("-1", 0),
        ] {
            assert_eq!(of(value).image_length(), length, "{value:?}");
        }
        assert_eq!(of("7").base64_image_max_length(9).image_length(), 9);
    }
}
