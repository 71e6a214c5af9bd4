//! What every attribute says of what it cannot be put on, and that the item is there afterwards, so that
//! editors go on.

use std::str::FromStr as _;

use proc_macro2::TokenStream;

use crate::attribute;
use crate::kind::KINDS;

fn tokens(text: &str) -> TokenStream {
    TokenStream::from_str(text).expect("a test writes tokens")
}

fn expand(name: &str, item: &str) -> String {
    attribute(name, TokenStream::new(), tokens(item)).to_string()
}

/// An item, what it is called, and whether it stands where an expression does.
const OTHERS: &[(&str, &str, bool)] = &[
    ("pub struct A<T>(T);", "a struct", false),
    ("#[derive(Debug)] enum A { B }", "an enum", false),
    ("union A { a: u32 }", "a union", false),
    ("impl A { fn a() {} }", "an impl block", false),
    ("unsafe impl Send for A {}", "an impl block", false),
    ("pub unsafe trait A { fn a(); }", "a trait", false),
    ("mod a { fn a() {} }", "a module", false),
    ("const A: fn() = a;", "a constant", false),
    ("const _: () = ();", "a constant", false),
    ("static mut A: fn() = a;", "a static", false),
    ("pub(crate) type A = fn();", "a type alias", false),
    ("use a::b as c;", "an import", false),
    ("extern crate a;", "an extern crate", false),
    ("unsafe extern \"C\" { fn a(); }", "an extern block", false),
    ("extern { fn a(); }", "an extern block", false),
    ("macro_rules! a { () => {} }", "a macro", false),
    ("a::b! { fn c() {} }", "a macro", false),
    ("println!();", "a macro", false),
    ("let a = fn_pointer;", "a statement", false),
    ("|a| a", "a closure", true),
    ("|| 1", "a closure", true),
    ("move || 1", "a closure", true),
    ("async move |a| a", "a closure", true),
    ("{ a(); }", "a block", true),
    ("unsafe { a() }", "a block", true),
    ("async move { a().await }", "a block", true),
    ("const { 1 }", "a block", true),
    ("static || 1", "a closure", true),
    ("a(1);", "an expression", true),
    ("1 + 2", "an expression", true),
    ("a != b", "an expression", true),
    ("match a { _ => 1 }", "an expression", true),
];

#[test]
fn what_is_no_function_is_named_and_emitted_by_every_attribute() {
    for kind in KINDS {
        for (item, what, is_expression) in OTHERS {
            let expanded = expand(kind.attribute, item);
            let sentence = format!("`#[{}]` cannot be put on {what}; ", kind.attribute);
            assert!(expanded.contains(&sentence), "{item}: {expanded}");
            let end = if *is_expression { " }" } else { "" };
            let emitted = format!("{}{end}", tokens(item));
            assert!(expanded.ends_with(&emitted), "{item}: {expanded}");
            assert_eq!(expanded.matches("compile_error").count(), 1, "{item}");
        }
    }
}

#[test]
fn half_a_function_is_emitted_after_what_the_parser_says() {
    for item in [
        "pub name() {}",
        "asyn fn name() {}",
        "fn",
        "fn name(",
        "pub",
    ] {
        let Ok(item) = TokenStream::from_str(item) else {
            continue; // no token trees: the compiler stops before it asks us
        };
        let expanded = attribute("tool", TokenStream::new(), item.clone()).to_string();
        assert!(expanded.contains("compile_error"), "{expanded}");
        assert!(!expanded.contains("cannot be put"), "{expanded}");
        assert!(expanded.ends_with(&item.to_string()), "{expanded}");
    }
}

#[test]
fn a_half_typed_body_expands() {
    let bodies = [
        "let x = foo.",
        "let x = foo.; bar()",
        "let x =",
        "if",
        "if x {}",
        "match x { Some(y) => }",
        "foo(,)",
        "|a",
        "return",
        "x.await.",
        "for i in",
        "struct",
        "#[tool] fn",
        "= = ;; , =>",
        "async move { if }",
        "Box::pin(async move { foo. })",
    ];
    for body in bodies {
        for (head, name) in [
            ("fn f(x: u32) -> u32", "tool"),
            ("async fn f(&self)", "llm"),
            ("fn f() -> BoxFuture<'static, u32>", "chain"),
            (
                "async fn f(headers: HeaderMap, body: String)",
                "experiment_handler",
            ),
        ] {
            let expanded = expand(name, &format!("{head} {{ {body} }}"));
            assert!(!expanded.contains("compile_error"), "{body}: {expanded}");
            assert!(expanded.contains("__ARIZE_SPAN"), "{body}: {expanded}");
        }
    }
}

#[test]
fn an_attribute_knows_the_expansion_of_every_other() {
    let items = [
        "fn f((a, b): (u32, u32)) -> u32 { a + b }",
        "async fn f(headers: HeaderMap, body: String) -> u32 { 1 }",
        "fn f(headers: HeaderMap, body: String) -> impl Future<Output = u32> { async { 1 } }",
        "fn f(headers: HeaderMap, body: String) -> BoxFuture<'static, u32> { later() }",
    ];
    let told = |expanded: &str| expanded.contains("is on this function already");
    for outer in KINDS {
        for item in items {
            let expanded = expand(outer.attribute, item);
            if expanded.contains("compile_error") {
                continue; // a handler wants headers
            }
            assert!(!told(&expanded));
            for inner in KINDS {
                let again = expand(inner.attribute, &expanded);
                assert!(told(&again), "{} {}", outer.attribute, inner.attribute);
                assert!(again.ends_with(&expanded), "it is emitted");
            }
        }
    }
}

#[test]
fn a_function_of_another_crates_attribute_is_not_ours() {
    let rmcp = "fn f(&self) -> Pin<Box<dyn Future<Output = u32> + Send + '_>> {
        static SPAN: u32 = 1;
        Box::pin(async move { static __ARIZE: u32 = 2; 1 })
    }";
    assert!(!expand("tool", rmcp).contains("compile_error"));
}
