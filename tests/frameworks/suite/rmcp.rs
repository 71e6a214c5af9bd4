//! `#[rmcp::tool]` of an MCP server above and below ours, and its router that calls both.

use arize_runtime::testing::capture;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::JsonSchema;
use rmcp::tool_router;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Stay {
    nights: u32,
    per_night: u32,
}

struct Server {
    tax: u32,
}

#[tool_router]
impl Server {
    // rmcp 3.11 forgets the doc comment where another attribute is below its own
    #[rmcp::tool(description = "What a stay costs.")]
    #[arize_runtime::tool]
    async fn above(&self, Parameters(stay): Parameters<Stay>) -> String {
        tokio::task::yield_now().await;
        (stay.nights * stay.per_night + self.tax).to_string()
    }

    /// What a stay costs.
    #[arize_runtime::tool]
    #[rmcp::tool]
    async fn below(&self, Parameters(stay): Parameters<Stay>) -> Result<String, String> {
        tokio::task::yield_now().await;
        Ok((stay.nights * stay.per_night + self.tax).to_string())
    }

    #[arize_runtime::tool]
    #[rmcp::tool(description = "What a stay costs.")]
    fn at_once(&self, Parameters(stay): Parameters<Stay>) -> String {
        (stay.nights * stay.per_night + self.tax).to_string()
    }
}

#[tokio::test]
async fn a_tool_of_an_mcp_server_is_traced() {
    let capture = capture();
    let stay = || {
        Parameters(Stay {
            nights: 2,
            per_night: 40,
        })
    };
    let server = Server { tax: 2 };
    let all = async {
        assert_eq!(server.above(stay()).await, "82");
        assert_eq!(server.below(stay()).await.as_deref(), Ok("82"));
        assert_eq!(server.at_once(stay()), "82");
    };
    capture.scope(all).await;
    let listed = Server::tool_router().list_all();
    for name in ["above", "below", "at_once"] {
        let span = capture.span(name);
        let input = r#"{"stay":{"nights":2,"per_night":40}}"#;
        assert_eq!((span.input(), span.output()), (Some(input), Some("82")));
        let tool = listed.iter().find(|tool| tool.name == name).unwrap();
        assert_eq!(
            tool.description.as_deref(),
            Some("What a stay costs."),
            "{name}"
        );
        assert!(tool.input_schema["properties"]["nights"].is_object());
    }
}
