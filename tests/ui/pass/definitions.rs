//! What LLMs are told of tools, whatever shape they have; its functions are as quiet under lints as the user's own.
use std::borrow::Cow;
use std::future::Future;

use arize_runtime::schemars::JsonSchema;
use arize_runtime::{ToolDefinition, tool};
use serde_json::{Value, json};

fn required(definition: &ToolDefinition) -> &Value {
    &definition.parameters["required"]
}

#[tool(definition)]
fn borrowed<'a>(city: &'a str, near: &'a [&'static str], by: Cow<'a, str>) -> &'a str {
    let _ = (near, by);
    city
}

#[tool(definition, skip_all)]
async fn r#async(client: &Value) -> bool {
    client.is_null()
}

#[tool(definition, debug(opaque), redact(secret))]
fn partly(opaque: std::time::Instant, secret: u64, mut left: Option<u64>) -> u64 {
    let _ = opaque;
    *left.get_or_insert(secret)
}

#[tool(definition)]
fn future(city: String) -> impl Future<Output = String> {
    async move { city }
}

/// A type whose methods are tools.
struct Client<T>(T);

impl<T> Client<T> {
    /// Finds what is wanted.
    #[tool(definition)]
    fn find(&self, wanted: &str) -> String {
        let _ = &self.0;
        wanted.to_owned()
    }

    #[tool(definition)]
    fn associated(count: u8) -> u8 {
        count
    }
}

trait Finds {
    #[tool(definition)]
    fn find_all(&self, most: Option<u8>) -> u8 {
        most.unwrap_or_default()
    }
}

impl Finds for u8 {}

macro_rules! tools {
    ($($name:ident: $type:ty),*) => {$(
        #[tool(definition, description = "Made by a macro.")]
        fn $name(value: $type) -> $type {
            value
        }
    )*};
}

tools!(double: u32, triple: Option<u32>);

#[tool(definition)]
fn gated(#[cfg(any())] never: NotThere, #[cfg(not(any()))] always: u8) -> u8 {
    always
}

#[cfg(any())]
#[tool(definition)]
fn not_there(value: NotThere) {}

#[test]
fn an_llm_is_told_of_a_tool_of_any_shape() {
    #[tool(definition)]
    fn local(pair: &Pair) -> u32 {
        pair.sum
    }
    #[derive(serde::Serialize, JsonSchema)]
    #[schemars(crate = "arize_runtime::schemars")]
    struct Pair {
        sum: u32,
    }

    assert_eq!(
        required(&borrowed_definition()),
        &json!(["city", "near", "by"])
    );
    assert_eq!(async_definition().parameters["properties"], json!({}));
    assert_eq!(async_definition().name, "async");
    let told = partly_definition();
    assert_eq!(required(&told), &json!(["secret"]));
    assert_eq!(
        told.parameters["properties"]
            .as_object()
            .map(serde_json::Map::len),
        Some(2)
    );
    assert_eq!(required(&future_definition()), &json!(["city"]));
    let find = Client::<()>::find_definition();
    assert_eq!(find.description.as_deref(), Some("Finds what is wanted."));
    assert_eq!(
        required(&Client::<()>::associated_definition()),
        &json!(["count"])
    );
    assert_eq!(<u8 as Finds>::find_all_definition().name, "find_all");
    assert_eq!(required(&double_definition()), &json!(["value"]));
    assert_eq!(required(&triple_definition()), &Value::Null);
    assert_eq!(
        triple_definition().description.as_deref(),
        Some("Made by a macro.")
    );
    assert_eq!(required(&gated_definition()), &json!(["always"]));
    assert!(local_definition().parameters["definitions"]["Pair"].is_object());
    let _ = local(&Pair { sum: 1 });
    let _ = (
        borrowed("", &[], "".into()),
        partly(std::time::Instant::now(), 1, None),
        double(1),
        triple(None),
    );
    let _ = (
        Client(()).find(""),
        Client::<()>::associated(1),
        1.find_all(None),
        gated(1),
    );
    drop((r#async(&Value::Null), future(String::new())));
}
