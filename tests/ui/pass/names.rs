//! Names of the user's that an expansion could trip over: types, modules, macros, methods and arguments.

use arize_runtime::testing::capture;

#[expect(dead_code, unreachable_pub, reason = "names only have to be in scope")]
mod hostile {
    use arize_runtime::{experiment_handler, llm, tool};
    use futures_util::stream;

    pub struct Result;
    pub struct Option;
    pub struct Box;
    pub struct String;
    pub struct Vec;
    pub trait Send {}
    pub trait Sync {}
    pub trait Default {}
    pub trait Clone {}
    pub trait Iterator {}
    pub trait Into {}
    pub trait FnOnce {}
    pub struct SpanSpec;
    pub struct Outcome;

    #[expect(non_snake_case, reason = "they only have to be in scope")]
    mod shadows {
        pub const fn Ok() {}
        pub const fn Err() {}
        pub const fn Some() {}
        pub const fn start() {}
        pub const fn infer() {}
        pub const fn arg() {}
    }
    #[expect(unused_imports, reason = "they only have to be in scope")]
    use shadows::{Err, Ok, Some, arg, infer, start};

    pub mod core {}
    pub mod std {}
    pub mod arize {}
    pub mod alloc {}

    #[expect(unused_macros, reason = "they only have to be in scope")]
    mod macros {
        macro_rules! vec {
            () => {
                compile_error!("the user's")
            };
        }
        macro_rules! format {
            () => {
                compile_error!("the user's")
            };
        }
        macro_rules! unreachable {
            () => {
                compile_error!("the user's")
            };
        }
        macro_rules! matches {
            () => {
                compile_error!("the user's")
            };
        }
    }

    macro_rules! methods {
        ($($name:ident)+) => {
            /// In scope for every type.
            pub trait Methods {
                $(
                    #[expect(dead_code, reason = "it only has to be in scope")]
                    fn $name(&self) -> ! { panic!(stringify!($name)) }
                )+
            }
            impl<T: ?Sized> Methods for T {}
        };
    }
    methods! {
        call run future outcome start get input attributes stream flush arg bare attribute all
        session_id
    }

    #[tool(session_id = session, attributes("k" = i))]
    pub fn sync(i: u32, o: u32, a: u32, span: u32, call: u32, self_: u32, session: &str) -> u32 {
        let _ = session;
        i + o + a + span + call + self_
    }

    #[tool(input = i, output = |o| o + 1)]
    pub fn underscores(i: u32, __call: u32, (a, o): (u32, u32), __arg0: u32, __arg2: u32) -> u32 {
        i + __call + a + o + __arg0 + __arg2
    }

    #[llm(stream)]
    pub async fn streamed(o: u32) -> impl futures_util::Stream<Item = u32> {
        tokio::task::yield_now().await;
        stream::iter([o])
    }

    #[experiment_handler(attributes("k" = a.len()))]
    pub async fn handler(
        i: axum::http::HeaderMap,
        o: axum::Json<serde_json::Value>,
        a: &[u8],
    ) -> u32 {
        tokio::task::yield_now().await;
        let _ = (i, a);
        u32::from(o.is_object())
    }

    /// Its generics and constants have names of the expansion's.
    #[tool]
    pub fn generic<F: serde::Serialize + Copy, const R: usize>(o: [F; R]) -> F
    where
        [F; R]: serde::Serialize,
    {
        const __ARIZE: usize = 0;
        static __ARIZE_SPAN: usize = __ARIZE;
        o[__ARIZE_SPAN]
    }
}

#[tokio::test]
async fn it_is_traced() {
    use futures_util::StreamExt as _;
    let capture = capture();
    let all = async {
        assert_eq!(hostile::sync(1, 2, 3, 4, 5, 6, "s"), 21);
        assert_eq!(hostile::underscores(1, 2, (3, 4), 5, 6), 21);
        assert_eq!(hostile::streamed(7).await.collect::<Vec<_>>().await, [7]);
        let body = axum::Json(serde_json::json!({"input": 1}));
        assert_eq!(
            hostile::handler(axum::http::HeaderMap::new(), body, b"a").await,
            1
        );
        assert_eq!(hostile::generic([1, 2]), 1);
    };
    capture.scope(all).await;
    let span = capture.span("sync");
    let input = r#"{"i":1,"o":2,"a":3,"span":4,"call":5,"self_":6,"session":"s"}"#;
    assert_eq!((span.input(), span.output()), (Some(input), Some("21")));
    assert_eq!(span.text("session.id"), Some("s"));
    let span = capture.span("underscores");
    assert_eq!((span.input(), span.output()), (Some("1"), Some("22")));
    assert_eq!(capture.span("streamed").output(), Some("[7]"));
    assert_eq!(capture.span("handler").input(), Some("1"));
    assert_eq!(capture.span("generic").input(), Some(r#"{"o":[1,2]}"#));
}
