//! Values that OpenInference spells out, each with room for others.

/// An enum of well-known texts that takes any other text as well.
macro_rules! well_known {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        ///
        /// Any other text is taken as it is.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                #[doc = concat!("`", $text, "`")]
                $variant,
            )+
            /// Any other.
            Other(String),
        }

        impl $name {
            /// The value of the attribute.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        /// The well-known value of this text, or another.
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        /// The well-known value of this text, or another.
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl From<$name> for opentelemetry::Value {
            fn from(name: $name) -> Self {
                Self::from(name.as_str().to_owned())
            }
        }
    };
}

well_known! {
    /// Who hosts a model: `llm.provider`.
    Provider {
        Anthropic => "anthropic",
        Aws => "aws",
        Azure => "azure",
        Cerebras => "cerebras",
        Cohere => "cohere",
        DeepSeek => "deepseek",
        Fireworks => "fireworks",
        Google => "google",
        Groq => "groq",
        Meta => "meta",
        MiniMax => "minimax",
        MistralAi => "mistralai",
        Moonshot => "moonshot",
        Ollama => "ollama",
        OpenAi => "openai",
        Oracle => "oracle",
        Perplexity => "perplexity",
        Together => "together",
        Typesafe => "typesafe",
        XAi => "xai",
        Zai => "zai",
    }
}

well_known! {
    /// The product that a model is, whoever hosts it: `llm.system`.
    System {
        Ai21 => "ai21",
        Amazon => "amazon",
        Anthropic => "anthropic",
        Cohere => "cohere",
        DeepSeek => "deepseek",
        Meta => "meta",
        MistralAi => "mistralai",
        OpenAi => "openai",
        Typesafe => "typesafe",
        VertexAi => "vertexai",
        XAi => "xai",
    }
}

well_known! {
    /// Who speaks in a message: `message.role`.
    Role {
        Assistant => "assistant",
        Developer => "developer",
        System => "system",
        Tool => "tool",
        User => "user",
    }
}

well_known! {
    /// Who judged: `annotation.annotator_kind`.
    AnnotatorKind {
        Human => "HUMAN",
        Llm => "LLM",
        Code => "CODE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_well_known_value_or_another() {
        assert_eq!(Provider::from("azure"), Provider::Azure);
        assert_eq!(Provider::Azure.as_str(), "azure");
        let own = Provider::from("own cluster".to_owned());
        assert_eq!(own, Provider::Other("own cluster".to_owned()));
        assert_eq!(own.as_str(), "own cluster");
    }
}
