//! Which fetch is under way, and what the next one is to be.

use std::sync::Arc;

use super::*;

fn token() -> Credential {
    Credential::token("t")
}

fn turn(tokens: &Tokens, refused: u64, anew: bool) -> Turn {
    let (ended, begun) = {
        let state = tokens.state();
        (state.ended, state.begun)
    };
    tokens.turn(refused, ended, begun + 1, anew)
}

/// The fetch that is to be made now.
fn ask(tokens: &Arc<Tokens>, refused: u64, anew: bool) -> Asking {
    let Turn::Ask(number, anew) = turn(tokens, refused, anew) else {
        panic!("another fetch is under way");
    };
    Asking {
        tokens: Arc::clone(tokens),
        number,
        refused,
        anew,
        hears: None,
    }
}

#[test]
fn a_fetch_that_was_given_up_ends_no_later_one() {
    let tokens = Arc::default();
    let first = ask(&tokens, 0, false);
    first.give_up();
    let second = ask(&tokens, 0, false);
    assert!(!second.dismiss());
    first.settle(Ok(token()));
    assert!(!second.is_over());
    let known = turn(&tokens, 0, false);
    assert!(matches!(known, Turn::Use(_)), "what it brought is kept");
    let refused = turn(&tokens, first.number, false);
    assert!(matches!(refused, Turn::Wait(number, _) if number == second.number));
    second.settle(Ok(token()));
    assert!(second.is_over());
}

#[test]
fn a_fetch_is_dismissed_when_one_that_was_given_up_has_brought_what_it_is_for() {
    let tokens = Arc::default();
    let first = ask(&tokens, 0, false);
    first.give_up();
    let second = ask(&tokens, 0, false);
    first.settle(Ok(token()));
    assert!(second.dismiss() && second.is_over());
    let third = ask(&tokens, first.number, false);
    assert!(!third.dismiss(), "what there is was refused");
}

#[test]
fn a_failure_of_a_fetch_that_was_given_up_is_nobody_s() {
    let tokens = Arc::default();
    let first = ask(&tokens, 0, false);
    first.give_up();
    let second = ask(&tokens, 0, false);
    first.settle(Err(Error::configuration("too late")));
    assert!(!second.is_over() && tokens.state().failure.is_none());
}

#[test]
fn the_fetch_after_a_refresh_that_is_under_way_is_a_login() {
    let tokens = Arc::default();
    ask(&tokens, 0, false).end(Ok(Proof::Refreshed(token())));
    let refresh = ask(&tokens, 1, false);
    assert!(!refresh.anew);
    assert!(matches!(turn(&tokens, 1, true), Turn::Wait(..)));
    refresh.end(Ok(Proof::Refreshed(token())));
    let login = ask(&tokens, 2, false);
    assert!(login.anew, "whoever asks for it");
    login.give_up();
    let login = ask(&tokens, 2, false);
    assert!(login.anew, "it is still to be made");
    login.end(Ok(Proof::Header(token())));
    assert!(!ask(&tokens, login.number, false).anew);
}

#[test]
fn a_task_that_is_given_up_does_not_go_on_later() {
    let left = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let tokens = Arc::default();
    let first = ask(&tokens, 0, true);
    let abandoned = Abandoned(first.clone());
    let task = async move {
        // It is not driven before it is given up, and would bring this afterwards.
        abandoned.0.end(Ok(Proof::Header(token())));
    };
    let task = left.spawn(task).abort_handle();
    first.is_carried_by(Carrier {
        runtime: left.handle().clone(),
        task,
    });
    let Turn::Wait(number, Some(carrier)) = turn(&tokens, 0, false) else {
        panic!("it is under way, and carried by a task");
    };
    tokens.abort(number, &carrier.task);
    let second = ask(&tokens, 0, false);
    assert!(second.anew, "a login is wanted still");
    left.block_on(tokio::task::yield_now());
    assert!(carrier.task.is_finished() && tokens.state().issued.is_none());
    assert!(!second.is_over(), "the end of the first is not its own");
    second.settle(Ok(token()));
    assert!(second.is_over());
}
