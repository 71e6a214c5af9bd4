# A child process in Python with plain OpenTelemetry: its exporter and its parent come from the environment.
import os

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
carrier = {name: os.environ[name.upper()] for name in ("traceparent", "tracestate", "baggage") if name.upper() in os.environ}
context = W3CBaggagePropagator().extract(carrier, TraceContextTextMapPropagator().extract(carrier))
with provider.get_tracer("child").start_as_current_span("python_child", context=context):
    pass
provider.shutdown()
