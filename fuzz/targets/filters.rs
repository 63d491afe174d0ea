//! Evaluation of a filter on a row: no input does harm, negation swaps true and false, and nothing is looked at beyond the
//! filter's roots.
//!
//! Input: a JSON list of a filter and a row.
#![no_main]

use django_api_orm_core::{
    Q,
    evaluate::{Evaluator, Fields},
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|data: &[u8]| {
    let Ok((q, row)) = serde_json::from_slice::<(Q, Map<String, Value>)>(data) else {
        return;
    };
    let fields = Fields::default().text("name").decimal("price");
    let Ok(evaluator) = Evaluator::compile_for(&q, &fields) else {
        return;
    };
    let verdict = evaluator.evaluate(&row);
    let mut picked = row.clone();
    picked.retain(|key, _| evaluator.roots().contains(key));
    assert_eq!(evaluator.evaluate(&picked), verdict);
    // Within a negation, two lookups of one list need not hold for the same element.
    let negation = Q::Not(Box::new(q));
    if let (Ok(once), Ok(thrice)) = (
        Evaluator::compile_for(&negation, &fields),
        Evaluator::compile_for(
            &Q::Not(Box::new(Q::Not(Box::new(negation.clone())))),
            &fields,
        ),
    ) {
        let (once, thrice) = (once.evaluate(&row), thrice.evaluate(&row));
        assert_eq!(
            (once.is_true(), once.is_false()),
            (thrice.is_true(), thrice.is_false())
        );
    }
});
