//! How an error reads: one line for people, and a `Debug` that shows no body.

use std::fmt;

use super::Error;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        for context in inner.context.iter().rev() {
            write!(f, "{context}: ")?;
        }
        if let (Some(method), Some(template)) = (&inner.method, &inner.url_template) {
            write!(f, "{method} {template}: ")?;
        }
        if let Some(status) = inner.status {
            write!(f, "{}", status.as_u16())?;
            if let Some(reason) = status.canonical_reason() {
                write!(f, " {reason}")?;
            }
            if inner.message.is_empty() && inner.fields.is_empty() {
                return Ok(());
            }
            f.write_str(": ")?;
        }
        f.write_str(&inner.message)?;
        if !inner.fields.is_empty() {
            if !inner.message.is_empty() {
                f.write_str(" ")?;
            }
            write!(f, "{}", inner.fields)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind)
            .field("message", &inner.message);
        if !inner.context.is_empty() {
            out.field("context", &inner.context);
        }
        if let Some(method) = &inner.method {
            out.field("method", method);
        }
        if let Some(template) = &inner.url_template {
            out.field("url_template", template);
        }
        if let Some(status) = &inner.status {
            out.field("status", status);
        }
        if let Some(retry_after) = &inner.retry_after {
            out.field("retry_after", retry_after);
        }
        if let Some(request_id) = &inner.request_id {
            out.field("request_id", request_id);
        }
        if !inner.fields.is_empty() {
            out.field("field_errors", &inner.fields);
        }
        if let Some(body) = &inner.body {
            out.field("body", &format_args!("{} bytes", body.len()));
        }
        if inner.attempts > 0 {
            out.field("attempts", &inner.attempts);
        }
        if inner.outcome_unknown {
            out.field("outcome_unknown", &true);
        }
        if let Some(source) = &inner.source {
            out.field("source", source);
        }
        out.finish()
    }
}
