//! Each expansion, as rustfmt would show it. `UPDATE_EXPECT=1 cargo test -p arize-macros` writes them
//! anew: read what changed.

mod misuse;
mod pages;

use std::str::FromStr as _;

use expect_test::expect_file;
use proc_macro2::TokenStream;

fn expansion(attribute: &str, args: &str, item: &str) -> String {
    let tokens = |text| TokenStream::from_str(text).expect("a test writes Rust");
    let expanded = super::attribute(attribute, tokens(args), tokens(item));
    let file = syn::parse2(expanded).expect("an expansion is Rust");
    prettyplease::unparse(&file)
}

macro_rules! snapshots {
    ($($name:ident: #[$attribute:ident$(($($args:tt)*))?] $item:item)+) => {$(
        #[test]
        fn $name() {
            let args = stringify!($($($args)*)?);
            let actual = expansion(stringify!($attribute), args, stringify!($item));
            expect_file![concat!("snapshots/", stringify!($name), ".rs")].assert_eq(&actual);
        }
    )+};
}

snapshots! {
    experiment_handler_json:
    #[experiment_handler(name = "run_agent", output = |answer| &answer.text)]
    async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<Trip>>) -> Result<Json<Answer>, AppError> {
        let flights = search_flights(&request.input.from, &request.input.to).await?;
        Ok(Json(answer(flights)))
    }

    experiment_handler_plain:
    #[experiment_handler]
    pub async fn handle(headers: &HeaderMap, body: &Value) -> Value {
        answer(body).await
    }

    experiment_handler_expressions:
    #[experiment_handler(headers = request.headers(), body = request.body(), input = &trip.goal, output = none, project_name = "trips", crate = crate::arize)]
    async fn invoke(&self, request: Request<Bytes>, Extension(trip): Extension<Trip>) -> impl IntoResponse {
        respond(request).await
    }

    experiment_handler_request:
    #[experiment_handler]
    async fn invoke(request: http::Request<Bytes>) -> Result<Response<Bytes>, AppError> {
        respond(request).await
    }

    experiment_handler_flush:
    #[experiment_handler(flush)]
    async fn invoke(request: Request<Bytes>) -> Response<String> {
        answer(request).await
    }

    experiment_handler_boxed:
    #[experiment_handler(body = none)]
    fn invoke<'a>(&'a self, request: Request<Trip>) -> BoxFuture<'a, Result<Response<Answer>, Status>> {
        Box::pin(async move { self.answer(request).await })
    }

    tool_async:
    #[tool]
    /// Search flights between two airports.
    async fn search_flights(from: &str, to: &str) -> Result<Vec<Flight>, FlightError> {
        let response = http_request(from, to).await?;
        Ok(response.flights)
    }

    tool_sync_method:
    #[tool(name = "lookup", description = "Looks up.", skip(client), debug(query), redact(key))]
    pub fn find<T: Serialize>(&mut self, client: &Client, query: Query, key: &str, extra: Vec<T>) -> Option<&mut Row> {
        client.find(query, key)
    }

    tool_input:
    #[tool(input = query.text, skip_output, parameters = "{\"type\":\"object\"}")]
    fn find(query: Query) -> Rows {
        rows(query)
    }

    tool_patterns:
    #[tool]
    fn distance((x, y): (f64, f64), Point { z, .. }: Point) -> f64 {
        x + y + z
    }

    tool_definition:
    #[tool(definition, description = "Finds hotels.", skip(client), debug(filter))]
    pub async fn find<'a>(client: &'a Client, city: &'a str, filter: Filter, #[cfg(feature = "stars")] stars: Option<u8>) -> Rows {
        client.find(city, filter).await
    }

    tool_future:
    #[tool]
    fn find(&self, city: &str) -> impl Future<Output = Result<Rows, Error>> + use<> {
        let request = self.client.get(city);
        async move { request.send().await }
    }

    tool_boxed_future:
    #[tool(skip_output)]
    fn find<'a>(&'a self, (from, to): (City, City)) -> Pin<Box<dyn Future<Output = Rows> + Send + 'a>> {
        Box::pin(async move { self.client.get(from, to).await })
    }

    llm_stream:
    #[llm(stream)]
    async fn complete(&self, prompt: &str) -> Result<impl Stream<Item = Result<String, Error>>, Error> {
        self.client.stream(prompt).await
    }

    tool_stream_sync:
    #[tool(stream, output = |row| &row.name)]
    fn rows(query: String) -> BoxStream<'static, Row> {
        table(query).boxed()
    }

    tool_items_first:
    #[tool]
    async fn shout(word: &str) -> String {
        use std::fmt::Write as _;
        write(word).await
    }

    tool_never:
    #[tool]
    fn stop() -> ! {
        std::process::exit(1)
    }

    chain_bare:
    #[chain]
    async fn plan(goal: String) -> String {
        goal
    }

    agent_object:
    #[agent(name = "planner")]
    async fn plan(goal: &str, budget: u32) -> impl Display {
        budget
    }

    retriever_bare:
    #[retriever]
    async fn find(query: &str) -> Vec<Document> {
        index.search(query).await
    }

    reranker_object:
    #[reranker(skip(client))]
    async fn rank(client: &Client, query: &str, documents: Vec<Document>) -> Vec<Document> {
        client.rank(query, documents).await
    }

    embedding_bare:
    #[embedding(skip_output)]
    async fn embed(text: &str) -> Vec<f32> {
        model.embed(text).await
    }

    guardrail_bare:
    #[guardrail]
    fn is_harmless(question: &str) -> bool {
        !question.contains("password")
    }

    evaluator_object:
    #[evaluator]
    fn score(answer: &str, expected: &str) -> f64 {
        compare(answer, expected)
    }

    prompt_object:
    #[prompt]
    fn render(city: &str) -> String {
        format!("Plan a trip to {city}.")
    }

    decision_object:
    #[decision]
    fn next_step(goal: &str) -> Step {
        policy(goal)
    }

    llm_attributes:
    #[llm(session_id = chat.session, metadata = json!({"turn": turn + 1}), tags = ["beta"], attributes("chat.turn" = turn, model = &chat.model), input = prompt)]
    async fn complete(chat: &Chat, turn: u32, prompt: &str) -> Completion {
        chat.complete(prompt).await
    }

    experiment_handler_attributes:
    #[experiment_handler(user_id = &request.input.user, attributes = Attributes::new().agent_name(&request.input.agent))]
    async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<Trip>>) -> String {
        plan(request).await
    }

    tool_scope:
    #[tool(scope = Scope::new().session_id(session).tags(["beta"]), user_id = user)]
    async fn book(session: &str, user: u32) -> Booking {
        agency(session).book().await
    }

    llm_one:
    #[llm]
    fn complete(prompt: &str) -> Completion {
        model(prompt)
    }
}
