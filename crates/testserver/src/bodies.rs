//! The bodies of single rows, where a resource departs from DRF: what is taken from a request, what is answered.

use http::StatusCode;
use serde_json::Value;

use crate::quirks::{Quirk, WriteAnswer};
use crate::reply::Reply;
use crate::request::Request;
use crate::resource::Resource;
use crate::wire::Wire;

/// What a write is given; an `Err` where nothing is to be written.
pub(crate) fn given(resource: &Resource, request: &Request) -> Result<Value, Reply> {
    signed_in(resource)?;
    let mut data = request.data()?;
    for quirk in &resource.quirks {
        match (quirk, &mut data) {
            (Quirk::WrapRow(name), Value::Object(body)) => {
                if let Some(row) = body.remove(name) {
                    data = row;
                }
            }
            (Quirk::DropFields(names), Value::Object(body)) => {
                body.retain(|name, _| !names.contains(name));
            }
            _ => {}
        }
    }
    Ok(data)
}

/// Refuses with the page of [`WriteAnswer::SignInPage`], as if the session had ended.
pub(crate) fn signed_in(resource: &Resource) -> Result<(), Reply> {
    match write_answer(resource) {
        Some(WriteAnswer::SignInPage) => {
            let page =
                "<!doctype html>\n<html><head><title>Sign in</title></head><body></body></html>\n";
            let html = "text/html; charset=utf-8";
            Err(Reply::text(StatusCode::OK, html, page))
        }
        _ => Ok(()),
    }
}

/// The answer that shows a row.
pub(crate) fn shown(resource: &Resource, status: StatusCode, row: Wire) -> Reply {
    let wrapped = resource.quirks.iter().fold(row, |row, quirk| match quirk {
        Quirk::WrapRow(name) => Wire::Map(vec![(name.clone(), row)]),
        _ => row,
    });
    Reply::json(status, &wrapped)
}

/// The answer to a write that was carried out.
pub(crate) fn written(resource: &Resource, status: StatusCode, row: Wire) -> Reply {
    let row = match (write_answer(resource), row) {
        (Some(WriteAnswer::Nothing), _) => return Reply::empty(StatusCode::NO_CONTENT),
        (Some(WriteAnswer::Part(names)), Wire::Map(mut entries)) => {
            entries.retain(|(name, _)| names.contains(name));
            Wire::Map(entries)
        }
        (_, row) => row,
    };
    shown(resource, status, row)
}

fn write_answer(resource: &Resource) -> Option<&WriteAnswer> {
    resource.quirks.iter().find_map(|quirk| match quirk {
        Quirk::WriteAnswer(answer) => Some(answer),
        _ => None,
    })
}
