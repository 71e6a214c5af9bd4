"""An agent in Python, with the real `arize-otel`, as Arize's page advises and right where that is not.

It knows nothing of this project. `PORT` says where it serves; `PITFALL` makes it wrong in one way.
"""

import json
import os
import threading
import urllib.parse
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from arize.otel import register_with_routing, set_routing_context
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PITFALL = os.environ.get("PITFALL", "")

provider = register_with_routing(verbose=False)
tracer = provider.get_tracer("python-agent")


class Refused(Exception):
    pass


def parent_of(headers):
    """The context that `traceparent` names, and an empty one where it names none."""
    if PITFALL == "no-extraction":
        return Context()
    carrier = {"traceparent": headers.get("traceparent", ""), "tracestate": headers.get("tracestate", "")}
    parent = TraceContextTextMapPropagator().extract(carrier, context=Context())
    span_context = get_current_span(parent).get_span_context()
    if PITFALL == "refuses-malformed" and carrier["traceparent"] and not span_context.is_valid:
        raise Refused("bad traceparent")
    if PITFALL == "exports-unsampled" and span_context.is_valid:
        sampled = SpanContext(
            span_context.trace_id, span_context.span_id, True, TraceFlags(TraceFlags.SAMPLED)
        )
        return set_span_in_context(NonRecordingSpan(sampled), Context())
    return parent


def baggage_of(headers):
    """The members of all baggage lines.

    By hand, for Python's propagator keeps the properties after `;`, reads `+` as a space, and a header that came
    in several lines must be joined first.
    """
    lines = headers.get_all("baggage", [])
    if PITFALL == "first-baggage-line":
        lines = lines[:1]
    members = {}
    for member in ",".join(lines).split(","):
        key, equals, value = member.partition("=")
        if equals:
            members[key.strip()] = urllib.parse.unquote(value.split(";")[0].strip())
    return members


def route_of(body, headers):
    """Space and project, each for itself: `arize_metadata`, then baggage, then the environment."""
    if PITFALL == "documented":
        # The handler of Arize's page, word for word.
        md = body.get("arize_metadata", {})
        return md.get("space_id"), md.get("project_name", "my-agent")
    metadata = body.get("arize_metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    baggage = {} if PITFALL == "ignores-baggage" else baggage_of(headers)

    def resolve(field):
        sources = metadata.get(field), baggage.get("arize." + field), os.environ.get("ARIZE_" + field.upper())
        return next((value for value in sources if isinstance(value, str) and value.strip()), None)

    return resolve("space_id"), resolve("project_name")


def set_route(space_id, project_name):
    """Half a route is none: `set_routing_context()` is not for `None`."""
    if PITFALL != "documented" and not (space_id and project_name):
        return nullcontext()
    return set_routing_context(space_id=space_id, project_name=project_name)


def tool(name, argument):
    with tracer.start_as_current_span(name) as span:
        span.set_attribute("openinference.span.kind", "TOOL")
        span.set_attribute("tool.name", name)
        span.set_attribute("input.value", argument)
        span.set_attribute("output.value", "two flights")


def run_agent(goal):
    if PITFALL == "thread":
        # A thread starts with an empty context.
        thread = threading.Thread(target=tool, args=("search_flights", goal))
        thread.start()
        thread.join()
    else:
        tool("search_flights", goal)
    return f"a trip for {goal}"


def invoke(body, headers):
    parent = parent_of(headers)
    goal = str((body.get("input") or body).get("goal", ""))
    token = attach(parent)
    try:
        with set_route(*route_of(body, headers)):
            context = {"context": parent} if PITFALL == "context-override" else {}
            with tracer.start_as_current_span("run_agent", **context) as span:
                span.set_attribute("openinference.span.kind", "CHAIN")
                span.set_attribute("input.value", goal)
                text = run_agent(goal)
                span.set_attribute("output.value", text)
                return {"text": text}
    finally:
        detach(token)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            status, answer = 200, invoke(body, self.headers)
        except Refused as error:
            status, answer = 400, {"error": str(error)}
        except Exception as error:
            status, answer = 500, {"error": repr(error)}
        answer = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
