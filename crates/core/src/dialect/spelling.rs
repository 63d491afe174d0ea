//! How a condition is written in a query string, where it can be.

use serde_json::Value;

use crate::{
    filter::Q,
    lookup::{Lookup, Op},
};

/// The conjuncts of a condition, with negations moved inwards where that changes nothing for nulls.
pub(super) fn flatten(q: &Q, out: &mut Vec<Q>) {
    match q {
        Q::All => {}
        Q::And(parts) => parts.iter().for_each(|part| flatten(part, out)),
        Q::Not(part) => match &**part {
            Q::Not(inner) => flatten(inner, out),
            Q::Or(parts) => parts
                .iter()
                .for_each(|part| flatten(&part.clone().negate(), out)),
            _ => out.push(q.clone()),
        },
        other => out.push(other.clone()),
    }
}

/// The part as one lookup, where it can be written as one.
pub(super) fn as_lookup(part: &Q) -> Option<Lookup> {
    match part {
        Q::Lookup(lookup)
            if lookup.op == Op::Exact && lookup.transform.is_none() && lookup.value.is_null() =>
        {
            Some(Lookup::new(
                lookup.path.clone(),
                Op::IsNull,
                Value::Bool(true),
            ))
        }
        Q::Lookup(lookup) => Some(lookup.clone()),
        Q::Not(inner) => match as_lookup(inner)? {
            Lookup {
                op: Op::IsNull,
                value: Value::Bool(is_null),
                path,
                transform: None,
            } => Some(Lookup::new(path, Op::IsNull, Value::Bool(!is_null))),
            _ => None,
        },
        Q::Or(parts) => one_of(parts),
        _ => None,
    }
}

/// `a=1 OR a=2 OR a__in=3,4` as `a__in=1,2,3,4`.
fn one_of(parts: &[Q]) -> Option<Lookup> {
    let mut path: Option<&str> = None;
    let mut values: Vec<Value> = Vec::new();
    for part in parts {
        let Q::Lookup(lookup) = part else { return None };
        if lookup.transform.is_some() || path.is_some_and(|path| path != lookup.path) {
            return None;
        }
        path = Some(&lookup.path);
        match (lookup.op, &lookup.value) {
            (Op::Exact, Value::Null) => return None,
            (Op::Exact, value) => values.push(value.clone()),
            (Op::In, Value::Array(more)) => values.extend(more.iter().cloned()),
            _ => return None,
        }
    }
    Some(Lookup::new(path?, Op::In, Value::Array(values)))
}

/// The value as the text of a query parameter; `None` where the server would read something else.
pub(crate) fn encode(lookup: &Lookup) -> Option<String> {
    match lookup.op {
        Op::In => {
            let values = lookup.value.as_array()?;
            let texts: Option<Vec<String>> = values
                .iter()
                .filter(|value| !value.is_null())
                .map(encode_element)
                .collect();
            Some(texts?.join(","))
        }
        Op::Range => match lookup.value.as_array()?.as_slice() {
            [low, high] => Some(format!(
                "{},{}",
                encode_element(low)?,
                encode_element(high)?
            )),
            _ => None,
        },
        _ => encode_scalar(&lookup.value),
    }
}

fn encode_element(value: &Value) -> Option<String> {
    encode_scalar(value).filter(|text| !text.contains(','))
}

fn encode_scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        // Django's form fields strip blanks and read an empty text as "no filter"; a control character is an error there.
        Value::String(text)
            if text.is_empty() || text.trim() != text || text.contains(char::is_control) =>
        {
            None
        }
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
