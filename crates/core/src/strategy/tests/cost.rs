//! How many requests a plan is said to take, and where that is not known.

use super::*;

/// The requests for so many rows.
fn requests<const N: usize>(case: &Case, plan: &Plan, rows: [u64; N]) -> [Option<u64>; N] {
    let strategy = case.of(plan);
    rows.map(|rows| strategy.requests(rows))
}

#[test]
fn a_page_takes_a_request_and_rows_fill_pages() {
    let all = Plan::all();
    for style in [Style::LimitOffset, Style::PageNumber, Style::Cursor] {
        let mut case = Case::paged(style);
        let counted = requests(&case, &all, [0, 1, 25, 26, 60]);
        assert_eq!(counted, [1, 1, 1, 2, 3].map(Some), "{style:?}");
        case.known.page_size = None;
        let unknown = requests(&case, &all, [0, 1, 2]);
        assert_eq!(unknown, [Some(1), Some(1), None], "{style:?}");
    }
}

#[test]
fn a_jump_takes_the_pages_that_the_slice_lies_on() {
    let from = |start, stop| Plan::all().slice(start, stop);
    let mut offsets = Case::paged(Style::LimitOffset);
    assert_eq!(
        requests(&offsets, &from(50, None), [130, 50, 20]),
        [4, 1, 1].map(Some)
    );
    let mut pages = Case::paged(Style::PageNumber);
    assert_eq!(requests(&pages, &from(25, Some(50)), [130]), [Some(1)]);
    assert_eq!(requests(&pages, &from(25, Some(51)), [130]), [Some(2)]);
    // A number behind the last page is asked for in vain.
    assert_eq!(requests(&pages, &from(60, None), [60]), [Some(1)]);
    assert_eq!(requests(&pages, &from(75, None), [60]), [Some(2)]);
    for case in [&mut offsets, &mut pages] {
        case.known.learn_offsets(false);
        assert_eq!(
            requests(case, &from(50, None), [130]),
            [None],
            "nobody knows where it lands"
        );
    }
}

#[test]
fn an_empty_answer_to_a_size_may_have_to_be_asked_for_again() {
    let mut case = Case::new();
    let searched = Plan::all().search("words");
    let sorted_out = Plan::all().filter(q("rank").or(q("age"))).limit(5);
    assert_eq!(requests(&case, &Plan::all().limit(5), [0]), [None]);
    assert_eq!(
        requests(&case, &searched, [0]),
        [None],
        "a probe asks for one row"
    );
    let keys: Vec<u64> = (1..=50).collect();
    let by_key = case.of(&with("id__in", json!(keys)));
    assert!(by_key.at_most.is_some() && by_key.doubts_sizes());
    assert_eq!(requests(&case, &Plan::all(), [0]), [Some(1)], "no size");
    assert_eq!(
        requests(&case, &sorted_out, [0]),
        [Some(1)],
        "nor can a limit be asked for"
    );
    assert!(
        !case.of(&Plan::all().limit(0)).doubts_sizes(),
        "nothing is asked"
    );
    case.policy.page_size = Some(10);
    assert_eq!(requests(&case, &Plan::all(), [0]), [None]);
    case.known.learn_sizes(true);
    assert_eq!(requests(&case, &Plan::all(), [0]), [Some(1)]);
}

#[test]
fn a_list_may_be_a_page_until_more_rows_than_these_have_come_at_once() {
    let mut case = Case::new();
    case.known.style = Some(Style::None);
    assert_eq!(requests(&case, &Plan::all(), [1]), [None]);
    case.known.whole = 30;
    assert_eq!(requests(&case, &Plan::all(), [30, 31]), [Some(1), None]);
    case.known.names_next = true;
    assert_eq!(requests(&case, &Plan::all(), [31]), [Some(1)]);
    assert!(case.of(&Plan::all()).is_one_page());
}

#[test]
fn a_filter_that_no_row_shows_is_looked_into_where_there_are_rows() {
    let mut case = Case::paged(Style::LimitOffset);
    case.model = model(&["id", "name"]);
    let unseen = requests(&case, &with("wing", json!(7)), [0, 1, 2]);
    assert_eq!(unseen, [Some(1), None, None]);
}

#[test]
fn a_probe_takes_two_requests_but_where_there_is_nothing_to_leave_out() {
    let case = Case::paged(Style::LimitOffset);
    let filtered = with("rank", json!(7)).offset(10);
    assert_eq!(requests(&case, &filtered, [0, 5]), [Some(2), Some(3)]);
    let searched = Plan::all().search("words");
    assert_eq!(requests(&case, &searched, [0, 5]), [Some(3), Some(3)]);
}

#[test]
fn parts_that_fit_into_pages_take_a_request_each() {
    let values: Vec<u64> = (100_000_000_000..100_000_000_250).collect();
    let keys = with("id__in", json!(values));
    let authors = with("author__in", json!(values));
    for (style, size, by_key, by_author) in [
        (Style::LimitOffset, 100, Some(3), None),
        (Style::LimitOffset, 99, None, None),
        (Style::None, 99, Some(3), Some(3)),
    ] {
        let mut case = Case::paged(style);
        case.known.page_size = Some(size);
        case.known.is_drf = true;
        case.known.names_next = true;
        assert_eq!(requests(&case, &keys, [9]), [by_key], "{style:?} {size}");
        assert_eq!(
            requests(&case, &authors, [9]),
            [by_author],
            "{style:?} {size}"
        );
        let searched = requests(&case, &keys.clone().search("words"), [9]);
        assert_eq!(
            searched,
            [by_key.map(|parts| parts + 2)],
            "{style:?} {size}"
        );
    }
}

#[test]
fn a_page_has_as_many_rows_as_are_asked_for_if_the_server_gives_so_many() {
    let mut case = Case::paged(Style::LimitOffset);
    let size = |case: &mut Case, asked| {
        case.policy.page_size = Some(asked);
        case.of(&Plan::all()).page_size()
    };
    assert_eq!(size(&mut case, 10), Some(10));
    assert_eq!(size(&mut case, 50), None, "it may be cut down");
    case.known.learn_refused_size(100);
    assert_eq!(size(&mut case, 10), Some(10));
    assert_eq!(size(&mut case, 50), Some(25), "the server's own");
    case.known.learn_sizes(false);
    assert_eq!(size(&mut case, 10), Some(25));
    let mut numbered = Case::paged(Style::PageNumber);
    numbered.known.learn_sizes(true);
    assert_eq!(size(&mut numbered, 10), Some(25), "it has no limit");
}
