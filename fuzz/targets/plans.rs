//! A plan becomes a strategy and its explanation: no plan does harm, and what it comes to depends on the plan alone.
//!
//! Input: a JSON list of a plan and the number of a purpose.
#![no_main]

use django_api_orm_core::{
    Explain, FieldMeta, ModelMeta, Policy,
    dialect::Dialect,
    evaluate::Evaluator,
    knowledge::Knowledge,
    plan::Plan,
    strategy::{Aim, Findings, Given, Strategy},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok((plan, aim)) = serde_json::from_slice::<(Plan, u8)>(data) else {
        return;
    };
    let aim = match aim % 4 {
        0 => Aim::Rows,
        1 => Aim::Write,
        2 => Aim::Count,
        _ => Aim::Keyset,
    };
    let fields = ["id", "name", "age", "author"].map(FieldMeta::new);
    let given = Given {
        dialect: &Dialect::default(),
        model: &ModelMeta::new("User", "/users/").with_fields(fields.to_vec()),
        known: &Knowledge::default(),
        findings: &Findings::default(),
        policy: &Policy::default(),
    };
    let Ok(strategy) = Strategy::new(&plan, aim, &given) else {
        return;
    };
    assert_eq!(Strategy::new(&plan, aim, &given).unwrap(), strategy);
    assert!(
        strategy
            .pairs
            .iter()
            .all(|(name, _)| !name.is_empty() || !strategy.extra.is_empty())
    );
    let _ = Evaluator::compile(&strategy.residual);
    assert!(!Explain::new("/users/", strategy).to_string().is_empty());
});
