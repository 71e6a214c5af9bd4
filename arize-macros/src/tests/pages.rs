//! The pages in `docs`, which show an item and what its attribute makes of it: they are compared with the code.
//! `UPDATE_EXPECT=1 cargo test -p arize-macros` writes the expansions anew: read what changed.

use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprClosure, Stmt};

use super::expansion;
use crate::kind::KINDS;

const PRIVATE: &str = "::arize_runtime::__private::";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn read(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// What stands between two fences.
struct Block {
    /// Behind the first fence.
    language: String,
    lines: Range<usize>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut at, mut open) = (0, None);
    for line in page.split_inclusive('\n') {
        let next = at + line.len();
        match (line.strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some((language.trim().to_owned(), next)),
            (Some(_), Some((language, start))) => {
                let lines = start..at;
                blocks.push(Block { language, lines });
            }
            (None, unfinished) => open = unfinished,
        }
        at = next;
    }
    blocks
}

/// An item under an attribute of ours.
struct Annotated {
    attribute: String,
    args: String,
    item: String,
}

impl Annotated {
    fn is_refused(&self) -> bool {
        let (args, item) = (tokens(&self.args), tokens(&self.item));
        let expanded = crate::attribute(&self.attribute, args, item);
        // a second attribute is refused by itself
        let mut inner = Vec::new();
        collect(expanded.clone(), &mut inner);
        expanded.to_string().contains("compile_error") || inner.iter().any(Self::is_refused)
    }
}

/// Every one of an example, in bodies and blocks as well. Rustdoc's `# ` before a hidden line is no code.
fn annotated(example: &str) -> Vec<Annotated> {
    let shown = |line: &str| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n";
    let code: String = example.lines().map(shown).collect();
    let mut found = Vec::new();
    collect(tokens(&code), &mut found);
    found
}

fn tokens(code: &str) -> TokenStream {
    TokenStream::from_str(code).unwrap_or_else(|error| panic!("{error}\n{code}"))
}

fn collect(code: TokenStream, found: &mut Vec<Annotated>) {
    let mut rest = code.into_iter().peekable();
    let mut others = TokenStream::new(); // attributes of others, above ours
    while let Some(token) = rest.next() {
        let hash = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#');
        match (token, rest.peek()) {
            (hash_token, Some(TokenTree::Group(group)))
                if hash && group.delimiter() == Delimiter::Bracket =>
            {
                let ours = ours(group.stream());
                let brackets = rest.next().expect("it was there");
                let Some((attribute, args)) = ours else {
                    others.extend([hash_token, brackets]);
                    continue;
                };
                let mut item = std::mem::take(&mut others);
                for token in rest.by_ref() {
                    let last = is_last(&token);
                    item.extend([token]);
                    if last {
                        break;
                    }
                }
                let item = item.to_string();
                found.push(Annotated {
                    attribute,
                    args,
                    item,
                });
            }
            (TokenTree::Group(group), _) => collect(group.stream(), found),
            _ => others = TokenStream::new(),
        }
    }
}

/// Whether an item ends with it.
fn is_last(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    }
}

/// The name and the arguments of `tool(..)` or `arize_runtime::tool(..)`.
fn ours(attribute: TokenStream) -> Option<(String, String)> {
    let mut tokens: Vec<TokenTree> = attribute.into_iter().collect();
    let args = match tokens.last()? {
        TokenTree::Group(group) => group.stream().to_string(),
        _ => String::new(),
    };
    tokens.retain(|token| matches!(token, TokenTree::Ident(_)));
    let name = tokens.last()?.to_string();
    let is_ours = KINDS.iter().any(|kind| kind.attribute == name);
    is_ours.then_some((name, args))
}

/// Code as one formatter shows it: what differs then is code.
fn plain(code: &str) -> String {
    match syn::parse_file(code) {
        Ok(mut file) => {
            Unbraced.visit_file_mut(&mut file);
            prettyplease::unparse(&file)
        }
        Err(error) => format!("{error}\n{code}"),
    }
}

/// `|o| { a }` is `|o| a`: rustfmt writes the former where that is long.
struct Unbraced;

impl VisitMut for Unbraced {
    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        visit_mut::visit_expr_closure_mut(self, closure);
        if let Expr::Block(block) = &*closure.body
            && let [Stmt::Expr(value, None)] = block.block.stmts.as_slice()
        {
            *closure.body = value.clone();
        }
    }
}

/// Code as people read it.
fn formatted(code: &str) -> String {
    let mut rustfmt = Command::new("rustfmt")
        .args([
            "--edition=2024",
            "--config=max_width=94,use_small_heuristics=Max",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rustfmt is there, as for `cargo fmt`");
    let mut stdin = rustfmt.stdin.take().expect("it is piped");
    stdin.write_all(code.as_bytes()).expect("it reads all");
    drop(stdin);
    let output = rustfmt.wait_with_output().expect("it ends");
    assert!(output.status.success(), "rustfmt cannot read\n{code}");
    String::from_utf8(output.stdout).expect("code is UTF-8")
}

#[test]
fn each_page_shows_what_its_attribute_makes_of_the_item() {
    for kind in KINDS {
        let path = docs().join(format!("{}.md", kind.attribute));
        let page = read(&path);
        let shown = path.display();
        let blocks = blocks(&page);
        let item = &page[blocks[0].lines.clone()];
        let item = annotated(item).into_iter().next();
        let item = item.unwrap_or_else(|| panic!("{shown}: the first example has no item"));
        assert_eq!(item.attribute, kind.attribute, "{shown}");
        let heading = page.find("# Expands to\n");
        let below = |block: &&Block| heading.is_some_and(|at| block.lines.start > at);
        let block = blocks.iter().find(below);
        let block = block.unwrap_or_else(|| panic!("{shown}: nothing stands under `# Expands to`"));
        let expanded = expansion(&item.attribute, &item.args, &item.item);
        let expanded = plain(&expanded.replace(PRIVATE, ""));
        if plain(&page[block.lines.clone()]) == expanded {
            continue;
        }
        let right = formatted(&expanded);
        assert!(
            std::env::var_os("UPDATE_EXPECT").is_some(),
            "{shown} does not show what `#[{}]` expands to; run with `UPDATE_EXPECT=1`, or write\n\n{right}",
            kind.attribute
        );
        let mut page = page.clone();
        page.replace_range(block.lines.clone(), &right);
        fs::write(&path, page).expect("the page can be written");
    }
}

/// A `compile_fail` passes with any error. Those without a code are ours, and those with one are the compiler's.
#[test]
fn each_refusal_on_a_page_is_for_the_reason_that_it_gives() {
    let mut refusals = 0;
    for entry in fs::read_dir(docs()).expect("there are pages") {
        let path = entry.expect("it can be read").path();
        let page = read(&path);
        for block in blocks(&page) {
            let Some(code) = block.language.strip_prefix("compile_fail") else {
                continue;
            };
            refusals += 1;
            let example = &page[block.lines];
            let shown = format!("{}:\n{example}", path.display());
            let items = annotated(example);
            assert!(!items.is_empty(), "no attribute of ours in {shown}");
            let refused = items.iter().any(Annotated::is_refused);
            let by = if refused {
                "us: no code"
            } else {
                "the compiler: its code"
            };
            assert_eq!(
                refused,
                code.is_empty(),
                "refused by {by} belongs to {shown}"
            );
        }
    }
    assert!(refusals > 50, "{refusals}");
}
