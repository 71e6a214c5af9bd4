//! What values of each type become: inputs, outputs, schemas, and the texts of errors.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use arize_runtime::schemars::{self, JsonSchema};
use arize_runtime::{agent, chain, tool};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use serde::Serialize;
use serde_json::{Value, json};

use crate::harness::named;
use crate::tools::{spans_of, value};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

#[tokio::test]
async fn arguments_of_every_json_type_are_recorded_by_name() {
    #[tool]
    #[expect(
        clippy::many_single_char_names,
        reason = "the names are what is recorded"
    )]
    fn all(s: &str, i: i64, f: f64, b: bool, n: Option<u8>, l: Vec<Value>, m: Value) -> usize {
        let _ = (s, i, f, b, n, m);
        l.len()
    }
    #[tool]
    fn one(s: &str) -> usize {
        s.len()
    }
    #[tool]
    fn none() {}
    let ((), spans) = spans_of(async {
        let list = vec![json!(1), json!("a"), json!(null)];
        all("é 東", 7, 2.5, true, None, list, json!({"k": {"n": 1}}));
        one("just a string");
        none();
    })
    .await;
    let all = r#"{"s":"é 東","i":7,"f":2.5,"b":true,"n":null,"l":[1,"a",null],"m":{"k":{"n":1}}}"#;
    assert_eq!(value(named(&spans, "all"), "input"), (all, JSON));
    let one = r#"{"s":"just a string"}"#;
    assert_eq!(value(named(&spans, "one"), "input"), (one, JSON));
    let none = named(&spans, "none");
    assert_eq!(value(none, "input"), ("{}", JSON));
    let schema = r#"{"type":"object","title":"none","properties":{}}"#;
    assert_eq!(none.attr_str("tool.parameters"), Some(schema));
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
enum Color {
    Red,
}

#[derive(Serialize)]
struct Exotic {
    path: PathBuf,
    bytes: &'static [u8],
    set: BTreeSet<u8>,
    tuple: (u8, &'static str),
    time: Duration,
    color: Color,
    unit: (),
    large: u128,
    numbers: [f64; 3],
    text: &'static str,
}

#[tokio::test]
async fn values_beyond_json_are_what_serde_makes_of_them() {
    #[tool(skip_output)]
    fn look(value: Exotic) -> Exotic {
        value
    }
    let exotic = Exotic {
        path: "/var/x".into(),
        bytes: b"\x00\xff",
        set: BTreeSet::from([1]),
        tuple: (1, "b"),
        time: Duration::from_millis(1500),
        color: Color::Red,
        unit: (),
        large: u128::MAX,
        numbers: [f64::NAN, f64::INFINITY, -0.0],
        text: "a\0\u{1b}\n\"😀",
    };
    let (_, spans) = spans_of(async { look(exotic) }).await;
    let input = concat!(
        r#"{"value":{"path":"/var/x","bytes":[0,255],"set":[1],"tuple":[1,"b"],"#,
        r#""time":{"secs":1,"nanos":500000000},"color":"Red","unit":null,"#,
        r#""large":340282366920938463463374607431768211455,"numbers":[null,null,-0.0],"#,
        r#""text":"a\u0000\u001b\n\"😀"}}"#
    );
    assert_eq!(value(&spans[0], "input"), (input, JSON));
}

#[tokio::test]
async fn results_of_every_type_are_text_or_json() {
    macro_rules! results {
        ($($name:ident: $type:ty = $value:expr => $text:expr, $mime:expr;)+) => {
            $(#[tool]
            fn $name() -> $type {
                $value
            })+
            let (_, spans) = spans_of(async { $(let _ = $name();)+ }).await;
            $(assert_eq!(value(named(&spans, stringify!($name)), "output"), ($text, $mime));)+
        };
    }
    results! {
        text: &'static str = "text" => "text", TEXT;
        empty: String = String::new() => "", TEXT;
        json_text: &'static str = r#"{"a": 1}"# => r#"{"a": 1}"#, TEXT;
        int: i32 = 3 => "3", TEXT;
        float: f64 = 2.0 => "2.0", TEXT;
        truth: bool = true => "true", TEXT;
        nothing: Option<u8> = None => "null", TEXT;
        some: Option<&'static str> = Some("x") => "x", TEXT;
        unit: () = () => "null", TEXT;
        not_a_number: f64 = f64::NAN => "null", TEXT;
        map: BTreeMap<&'static str, u8> = BTreeMap::from([("a", 1)]) => r#"{"a":1}"#, JSON;
        no_map: BTreeMap<u8, u8> = BTreeMap::new() => "{}", JSON;
        list: Vec<u8> = vec![1, 2] => "[1,2]", JSON;
        no_list: [u8; 0] = [] => "[]", JSON;
        tuple: (u8, &'static str) = (1, "y") => r#"[1,"y"]"#, JSON;
        color: Color = Color::Red => "Red", TEXT;
        row: Value = json!({"a": [1.0, null]}) => r#"{"a":[1.0,null]}"#, JSON;
        fine: Result<u8, fmt::Error> = Ok(7) => "7", TEXT;
    }
}

#[tokio::test]
async fn a_schema_describes_arguments_of_every_type() {
    #[derive(Serialize, JsonSchema)]
    struct Hotel {
        /// As on the sign.
        name: String,
        stars: Option<u8>,
    }
    #[tool]
    fn search(
        maybe: Option<i32>,
        list: Vec<String>,
        map: HashMap<String, f64>,
        pair: (u8, String),
        color: Color,
        hotel: &Hotel,
        any: Value,
    ) -> usize {
        let _ = (maybe, list, map, pair, color, any);
        hotel.name.len() + usize::from(hotel.stars.unwrap_or_default())
    }
    let hotel = Hotel {
        name: "Ritz".to_owned(),
        stars: None,
    };
    let call = async {
        let pair = (1, String::new());
        search(
            None,
            vec![],
            HashMap::new(),
            pair,
            Color::Red,
            &hotel,
            json!(1),
        )
    };
    let (_, spans) = spans_of(call).await;
    let schema = spans[0].attr_str("tool.parameters").unwrap();
    let schema: Value = serde_json::from_str(schema).unwrap();
    let property = |name: &str| &schema["properties"][name];
    assert_eq!(property("maybe")["type"], json!(["integer", "null"]));
    assert_eq!(property("list")["items"]["type"], "string");
    assert_eq!(property("map")["additionalProperties"]["type"], "number");
    assert_eq!(property("pair")["type"], "array");
    assert_eq!(property("color")["$ref"], "#/definitions/Color");
    assert_eq!(property("hotel")["$ref"], "#/definitions/Hotel");
    assert_eq!(schema["definitions"]["Color"]["enum"], json!(["Red"]));
    let hotel = &schema["definitions"]["Hotel"];
    assert_eq!(hotel["required"], json!(["name"]));
    assert_eq!(
        hotel["properties"]["name"]["description"],
        "As on the sign."
    );
    let required = schema["required"].as_array().unwrap();
    assert!(required.contains(&json!("any")) && !required.contains(&json!("maybe")));
}

#[tokio::test]
async fn a_type_without_a_schema_allows_anything_and_an_option_of_it_is_not_required() {
    #[derive(Serialize)]
    struct Opaque;
    #[tool]
    fn search(opaque: &Opaque, maybe: Option<Opaque>) -> bool {
        let Opaque = opaque;
        maybe.is_some()
    }
    let (_, spans) = spans_of(async { search(&Opaque, None) }).await;
    let schema = r#"{"type":"object","title":"search","properties":{"opaque":{},"maybe":{}},"required":["opaque"]}"#;
    assert_eq!(spans[0].attr_str("tool.parameters"), Some(schema));
}

#[tokio::test]
async fn methods_record_their_arguments_and_not_self() {
    struct Search;
    impl Search {
        #[tool]
        fn by_reference(&self, q: &str) -> usize {
            let Self = self;
            q.len()
        }
        #[tool(name = "Search.associated")]
        fn associated(q: &str) -> usize {
            q.len()
        }
    }
    let (_, spans) = spans_of(async { Search.by_reference("m") + Search::associated("c") }).await;
    let method = named(&spans, "by_reference");
    assert_eq!(value(method, "input").0, r#"{"q":"m"}"#);
    assert!(!method.attr_str("tool.parameters").unwrap().contains("self"));
    let associated = named(&spans, "Search.associated");
    assert_eq!(associated.attr_str("tool.name"), Some("Search.associated"));
}

#[tokio::test]
async fn a_value_that_is_no_json_costs_that_value_and_not_the_call() {
    type Pairs = HashMap<(u8, u8), u8>;
    #[tool]
    fn pairs(n: u8, pairs: Pairs) -> Pairs {
        let _ = n;
        pairs
    }
    #[tool]
    fn deep(value: &Value) -> Value {
        value.clone()
    }
    let nested = (0..200).fold(json!(1), |inner, _| json!({ "in": inner }));
    let (returned, spans) = spans_of(async {
        assert_eq!(deep(&nested), nested);
        pairs(1, HashMap::from([((1, 2), 3)]))
    })
    .await;
    assert_eq!(returned[&(1, 2)], 3);
    let pairs = named(&spans, "pairs");
    let input = r#"{"n":1,"pairs":"<not serialised: key must be a string>"}"#;
    assert_eq!(value(pairs, "input").0, input);
    assert_eq!(pairs.attr("output.value"), None);
    let deep = value(named(&spans, "deep"), "input").0;
    assert!(deep.contains("nested in more than 100 levels"), "{deep}");
}

#[tokio::test]
async fn texts_of_errors_are_kept_as_they_are() {
    #[derive(Debug)]
    struct Custom(&'static str);
    impl fmt::Display for Custom {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl std::error::Error for Custom {}
    #[tool]
    fn lines() -> Result<(), Custom> {
        Err(Custom("boom é\nsecond line"))
    }
    #[tool]
    fn silent() -> Result<(), Custom> {
        Err(Custom(""))
    }
    #[tool]
    fn text() -> Result<(), String> {
        Err("no type of its own".to_owned())
    }
    let (_, spans) = spans_of(async { (lines(), silent(), text()) }).await;
    let message = |name| named(&spans, name).status.message.as_str();
    assert_eq!(message("lines"), "Custom: boom é\nsecond line");
    assert_eq!(message("silent"), "Custom: ");
    assert_eq!(message("text"), "String: no type of its own");
    for span in &spans {
        assert_eq!(span.events.len(), 1, "{}", span.name);
    }
}

#[tokio::test]
async fn chains_agents_and_tools_nest() {
    #[tool]
    fn inner(x: u32) -> u32 {
        x + 1
    }
    #[tool]
    fn outer(x: u32) -> u32 {
        inner(x) * 2
    }
    #[agent]
    async fn act(x: u32) -> u32 {
        outer(x)
    }
    #[chain(name = "my chain")]
    async fn run(a: u32, b: u32) -> u32 {
        act(a).await.max(b)
    }
    let (_, spans) = spans_of(run(1, 2)).await;
    for (child, parent) in [("act", "my chain"), ("outer", "act"), ("inner", "outer")] {
        let parent = &named(&spans, parent).span_id;
        let child = named(&spans, child);
        assert_eq!(
            child.parent_span_id.as_ref(),
            Some(parent),
            "{}",
            child.name
        );
    }
    let run = named(&spans, "my chain");
    assert_eq!(value(run, "input"), (r#"{"a":1,"b":2}"#, JSON));
}

#[tokio::test]
async fn an_input_set_by_hand_wins() {
    #[tool]
    fn by_hand(x: u8) {
        let _ = x;
        let context = Context::current();
        let span = context.span();
        span.set_attribute(KeyValue::new("input.value", "replaced"));
        span.set_attribute(KeyValue::new("input.mime_type", TEXT));
    }
    let ((), spans) = spans_of(async { by_hand(1) }).await;
    assert_eq!(value(&spans[0], "input"), ("replaced", TEXT));
    let inputs = spans[0].attributes.iter();
    let inputs = inputs.filter(|(key, _)| key.starts_with("input."));
    assert_eq!(inputs.count(), 2, "each key is sent once");
}
