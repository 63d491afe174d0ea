//! Entity tags of rows, and the conditions of writes, as Django's decorator `condition` reads them.

use std::hash::{DefaultHasher, Hash, Hasher};

use http::StatusCode;
use http::header::{ETAG, IF_MATCH};

use crate::quirks::{Comparison, Quirk, Tags};
use crate::reply::Reply;
use crate::request::Request;
use crate::resource::Resource;
use crate::store::Row;

fn tags(resource: &Resource) -> Option<Tags> {
    resource.quirks.iter().find_map(|quirk| match quirk {
        Quirk::Tags(tags) => Some(*tags),
        _ => None,
    })
}

/// The tag of a row: another one for other values.
fn tag(row: &Row, tags: Tags) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{row:?}").hash(&mut hasher);
    let weak = if tags.is_weak { "W/" } else { "" };
    format!("{weak}\"{:016x}\"", hasher.finish())
}

/// The answer that shows the row, with its tag.
pub(crate) fn tagged(resource: &Resource, row: &Row, reply: Reply) -> Reply {
    match tags(resource) {
        Some(tags) => reply.header(ETAG, &tag(row, tags)),
        None => reply,
    }
}

/// The answer to a write of the row, with its tag where answers to writes have one.
pub(crate) fn tagged_after_write(resource: &Resource, row: &Row, reply: Reply) -> Reply {
    match tags(resource).filter(|tags| tags.after_writes) {
        Some(_) => tagged(resource, row, reply),
        None => reply,
    }
}

/// Refuses a write of the row whose condition does not hold.
pub(crate) fn check(resource: &Resource, row: &Row, request: &Request) -> Result<(), Reply> {
    let Some(tags) = tags(resource) else {
        return Ok(());
    };
    let condition = request
        .headers
        .get(IF_MATCH)
        .and_then(|value| value.to_str().ok());
    let Some(condition) = condition else {
        return match tags.is_required {
            true => Err(Reply::detail(
                StatusCode::PRECONDITION_REQUIRED,
                "This request is required to be conditional.",
            )),
            false => Ok(()),
        };
    };
    let tag = tag(row, tags);
    let mut given = condition.split(',').map(str::trim);
    let holds = match tags.comparison {
        Comparison::Strong => {
            condition.trim() == "*" || !tags.is_weak && given.any(|given| given == tag)
        }
        Comparison::Text => condition == tag,
        Comparison::None => true,
    };
    if holds {
        return Ok(());
    }
    let html = "text/html; charset=utf-8";
    Err(Reply::text(StatusCode::PRECONDITION_FAILED, html, ""))
}
