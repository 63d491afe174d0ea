//! Operands that a lookup cannot have.

use django_api_orm_core::{ErrorKind, evaluate::Evaluator, filter::Q};
use serde_json::{Value, json};

use crate::q;

#[test]
fn operands_that_cannot_be() {
    for (name, operand) in [
        ("f__in", json!(1)),
        ("f__in", Value::Null),
        ("f__range", json!(1)),
        ("f__range", json!([1])),
        ("f__range", json!([1, 2, 3])),
        ("f__range", json!([1, null])),
        ("f__range", json!([[1], 2])),
        ("f__isnull", json!("true")),
        ("f__isnull", Value::Null),
        ("f__gt", Value::Null),
        ("f__gt", json!([1])),
        ("f__lte", json!({})),
        ("f__contains", Value::Null),
        ("f__icontains", json!(["a"])),
        ("f__startswith", json!(true)),
        ("f__regex", json!(1)),
        ("f__regex", json!("(")),
        ("f__regex", json!("a(?=b)")),
        ("f__iregex", json!(r"(a)\1")),
        ("f__year", json!("soon")),
        ("f__year", json!(2024.5)),
        ("f__month__in", json!([1, "x"])),
        ("f__date", json!("2024-01-01T00:00:00Z")),
        ("f__date", json!(2024)),
        ("f__time", json!("2024-01-01")),
    ] {
        let error = Evaluator::compile(&q(name, operand.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{name}={operand}");
        assert!(error.to_string().contains("`f"), "{error}");
    }
    assert!(Evaluator::compile(&Q::Invalid("no".into())).is_err());
}
