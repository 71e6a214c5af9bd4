//! What may stand in the place of a function.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Visibility};

/// Something that is no function.
pub(super) struct Other {
    /// Where it says what it is.
    pub(super) at: TokenTree,
    pub(super) what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Struct,
    Enum,
    Union,
    Impl,
    Trait,
    Module,
    TypeAlias,
    Static,
    Constant,
    Import,
    ExternCrate,
    ExternBlock,
    Macro,
    Statement,
    Closure,
    Block,
    Expression,
}

impl What {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Struct => "a struct",
            Self::Enum => "an enum",
            Self::Union => "a union",
            Self::Impl => "an impl block",
            Self::Trait => "a trait",
            Self::Module => "a module",
            Self::TypeAlias => "a type alias",
            Self::Static => "a static",
            Self::Constant => "a constant",
            Self::Import => "an import",
            Self::ExternCrate => "an extern crate",
            Self::ExternBlock => "an extern block",
            Self::Macro => "a macro",
            Self::Statement => "a statement",
            Self::Closure => "a closure",
            Self::Block => "a block",
            Self::Expression => "an expression",
        }
    }

    /// Whether it stands where an expression does.
    pub(super) fn is_expression(self) -> bool {
        matches!(self, Self::Closure | Self::Block | Self::Expression)
    }
}

/// What stands before `fn`, or before what is written in its place.
const QUALIFIERS: [&str; 8] = [
    "const", "async", "unsafe", "safe", "extern", "default", "gen", "auto",
];

/// Whether `item` is a function for sure, without a look into what stands in groups.
fn is_function(item: &TokenStream) -> bool {
    let mut words = item.clone().into_iter();
    let decisive = words.find_map(|word| match word {
        TokenTree::Punct(sign) if sign.as_char() == '#' => None,
        TokenTree::Group(group) => (group.delimiter() == Delimiter::None).then_some(false),
        TokenTree::Literal(_) => None,
        TokenTree::Punct(_) => Some(false),
        TokenTree::Ident(word) if word == "fn" => Some(true),
        TokenTree::Ident(word) if word == "pub" => None,
        TokenTree::Ident(word) => (!QUALIFIERS.iter().any(|known| word == known)).then_some(false),
    });
    decisive == Some(true)
}

/// What `item` is, unless it may be a function.
pub(super) fn other(item: &TokenStream) -> Option<Other> {
    if is_function(item) {
        return None;
    }
    let after_attributes = |input: ParseStream<'_>| -> syn::Result<(Visibility, TokenStream)> {
        input.call(Attribute::parse_outer)?;
        Ok((input.parse()?, input.parse()?))
    };
    let (visibility, rest) = after_attributes.parse2(item.clone()).ok()?;
    let words: Vec<TokenTree> = rest.into_iter().collect();
    if let [TokenTree::Group(group)] = words.as_slice()
        && group.delimiter() == Delimiter::None
    {
        return other(&group.stream());
    }
    let is_qualifier = |word: &&TokenTree| {
        QUALIFIERS.contains(&word.to_string().as_str()) || matches!(word, TokenTree::Literal(_))
    };
    let qualifiers = words.iter().take_while(is_qualifier).count();
    let at = words.get(qualifiers).or(words.last())?;
    if at.to_string() == "fn" {
        return None;
    }
    let what = by_keyword(&words[..qualifiers], &words[qualifiers..]).or_else(|| {
        // half a function, such as `pub name() {}` or `asyn fn name() {}`
        let half =
            !matches!(visibility, Visibility::Inherited) || words.iter().any(|word| is(word, "fn"));
        (!half).then_some(What::Expression)
    })?;
    let qualifier = |text| words.iter().find(|word| is(word, text));
    let at = match what {
        What::Closure | What::Block | What::Expression => &words[0],
        What::ExternCrate | What::ExternBlock => qualifier("extern").unwrap_or(at),
        What::Constant => qualifier("const").unwrap_or(at),
        _ => at,
    };
    Some(Other {
        at: at.clone(),
        what,
    })
}

fn is(word: &TokenTree, text: &str) -> bool {
    word.to_string() == text
}

fn by_keyword(qualifiers: &[TokenTree], words: &[TokenTree]) -> Option<What> {
    let has = |text| qualifiers.iter().any(|word| is(word, text));
    let (first, second) = (words.first()?, words.get(1));
    let named = matches!(second, Some(TokenTree::Ident(_)));
    let what = match first.to_string().as_str() {
        "struct" => What::Struct,
        "enum" => What::Enum,
        "union" if named => What::Union,
        "impl" => What::Impl,
        "trait" => What::Trait,
        "mod" => What::Module,
        "type" => What::TypeAlias,
        "static" if named && !second.is_some_and(|word| is(word, "move")) => What::Static,
        "use" => What::Import,
        "crate" if has("extern") => What::ExternCrate,
        "let" => What::Statement,
        "move" if second.is_some_and(is_block) => What::Block,
        "|" | "move" | "static" => What::Closure,
        _ => match first {
            block if is_block(block) && has("extern") => What::ExternBlock,
            block if is_block(block) => What::Block,
            _ if calls_macro(words) => What::Macro,
            TokenTree::Ident(_) if has("const") => What::Constant,
            _ => return None,
        },
    };
    Some(what)
}

fn is_block(word: &TokenTree) -> bool {
    matches!(word, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// `name! ..` or `path::name! ..`
fn calls_macro(words: &[TokenTree]) -> bool {
    let in_path = |word: &&TokenTree| matches!(word, TokenTree::Ident(_)) || is(word, ":");
    let path = words.iter().take_while(in_path).count();
    let is_at = |place: usize, text| words.get(place).is_some_and(|word| is(word, text));
    path > 0 && is_at(path, "!") && !is_at(path + 1, "=")
}
