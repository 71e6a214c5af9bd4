//! Resources that name the project of their spans: Arize Phoenix routes by nothing else.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

const RESOURCE_PROJECT: &str = "openinference.project.name";
const SPAN_PROJECT: &str = "arize.project.name";

/// Splits each resource's spans by project; spans without one keep their resource as it is.
pub(super) fn named(message: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: message
            .resource_spans
            .into_iter()
            .flat_map(by_project)
            .collect(),
    }
}

fn by_project(spans: ResourceSpans) -> Vec<ResourceSpans> {
    let (resource, schema_url) = (spans.resource, spans.schema_url);
    let mut groups: Vec<(Option<String>, Vec<ScopeSpans>)> = Vec::new();
    for scope in spans.scope_spans {
        for (project, scope) in scope_by_project(scope) {
            match groups.iter_mut().find(|(known, _)| *known == project) {
                Some((_, scopes)) => scopes.push(scope),
                None => groups.push((project, vec![scope])),
            }
        }
    }
    let group = |(project, scope_spans)| ResourceSpans {
        resource: match project {
            Some(project) => Some(of_project(resource.clone().unwrap_or_default(), project)),
            None => resource.clone(),
        },
        scope_spans,
        schema_url: schema_url.clone(),
    };
    groups.into_iter().map(group).collect()
}

fn scope_by_project(scope: ScopeSpans) -> Vec<(Option<String>, ScopeSpans)> {
    let mut groups: Vec<(Option<String>, ScopeSpans)> = Vec::new();
    for span in scope.spans {
        let project = project(&span);
        match groups.iter_mut().find(|(known, _)| *known == project) {
            Some((_, group)) => group.spans.push(span),
            None => groups.push((
                project,
                ScopeSpans {
                    scope: scope.scope.clone(),
                    spans: vec![span],
                    schema_url: scope.schema_url.clone(),
                },
            )),
        }
    }
    groups
}

/// The last value counts, as everywhere.
fn project(span: &Span) -> Option<String> {
    let mut attributes = span.attributes.iter().rev();
    let value = attributes.find(|attribute| attribute.key == SPAN_PROJECT)?;
    match value.value.as_ref()?.value.as_ref()? {
        Value::StringValue(project) if !project.is_empty() => Some(project.clone()),
        _ => None,
    }
}

fn of_project(mut resource: Resource, project: String) -> Resource {
    resource
        .attributes
        .retain(|attribute| attribute.key != RESOURCE_PROJECT);
    resource.attributes.push(text(RESOURCE_PROJECT, project));
    resource
}

/// An attribute with a text.
pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.into())),
        }),
        ..KeyValue::default()
    }
}
