//! Texts as setters take them.

/// A text: anything that is `Into<String>`, or an `Option` of it, of which `None` is left out.
///
/// ```
/// use arize_runtime::attributes::Llm;
/// struct Response { model: String, finish_reason: Option<String> }
/// # let response = Response { model: "gpt-5".to_owned(), finish_reason: None };
/// let llm = Llm::new().model(&response.model).finish_reason(response.finish_reason.as_deref());
/// ```
///
/// `Form` tells the two apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` is no text",
    label = "neither `Into<String>` nor an `Option` of it",
    note = "give a text, such as `value.to_string()`"
)]
pub trait Text<Form> {
    /// None where there is none.
    #[doc(hidden)]
    fn get(self) -> Option<String>;
}

/// The [`Text`] that is `Into<String>`.
#[derive(Debug)]
pub enum Plain {}

/// The [`Text`] that is an `Option`.
#[derive(Debug)]
pub enum Optional {}

#[diagnostic::do_not_recommend]
impl<T: Into<String>> Text<Plain> for T {
    fn get(self) -> Option<String> {
        Some(self.into())
    }
}

#[diagnostic::do_not_recommend]
impl<T: Into<String>> Text<Optional> for Option<T> {
    fn get(self) -> Option<String> {
        self.map(Into::into)
    }
}
