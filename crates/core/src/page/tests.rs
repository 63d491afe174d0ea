use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn parse(body: &str) -> Page {
    Page::parse(&Bytes::copy_from_slice(body.as_bytes()), &HeaderMap::new()).unwrap()
}

fn sent(query: &str) -> Vec<(String, String)> {
    query_pairs(&format!("?{query}"))
}

#[test]
fn rows_are_slices_of_the_body() {
    let body = Bytes::from_static(
        br#"{"count": 2, "next": null, "previous": null, "results": [ {"id": 1}, {"id":2} ]}"#,
    );
    let page = Page::parse(&body, &HeaderMap::new()).unwrap();
    assert_eq!(page.rows(), [r#"{"id": 1}"#, r#"{"id":2}"#].map(Row::new));
    assert!(
        body.as_ptr_range()
            .contains(&page.rows()[0].bytes().as_ptr())
    );
    assert_eq!((page.count(), page.next()), (Some(2), None));
}

#[test]
fn envelopes() {
    for body in [
        r#"{"data": [{"id": 1}], "meta": {"total": 9}, "links": {"next": "http://h/x?page=2"}}"#,
        r#"{"items": [{"id": 1}], "pagination": {"total_count": 9, "next": "/x?page=2"}}"#,
        r#"{"data": [{"id": 1}], "meta": {"pagination": {"count": 9, "links": {"next": "?page=2"}}}}"#,
        r#"{"objects": [{"id": 1}], "count": 9, "_links": {"next": {"href": "/x?page=2"}}}"#,
        r#"{"results": [{"id": 1}], "count": "9", "next": "/x?page=2"}"#,
        r#"{"results": [{"id": 1}], "count": null, "meta": {"count": 9}, "next": "/x?page=2"}"#,
        r#"{"a\u0062": 1, "data": {}, "results": [{"id": 1}], "total": 9, "next_page_url": "/x?page=2"}"#,
    ] {
        let page = parse(body);
        assert_eq!((page.rows().len(), page.count()), (1, Some(9)), "{body}");
        assert!(page.names_next() && page.is_enveloped(), "{body}");
        assert_eq!(page.recognise(&[]), Some(Style::PageNumber), "{body}");
    }
}

#[test]
fn the_only_list_of_a_page_holds_its_rows() {
    for (body, rows) in [
        (r#"{"tasks": [{"id": 1}], "total": 9}"#, Some(1)),
        (r#"{"users": [{"id": 1}], "next_page": null}"#, Some(1)),
        (r#"{"users": [], "count": 0, "errors": []}"#, Some(0)),
        (r#"{"value": [{"id": 1}], "@odata.context": "x"}"#, Some(1)),
        (r#"{"users": [], "has_more": false}"#, None),
        (r#"{"users": [{"id": 1}], "total": {"value": 9}}"#, None),
        (
            r#"{"users": [{"id": 1}], "count": null, "has_more": null}"#,
            None,
        ),
        (
            r#"{"data": {"items": [{"id": 1}]}, "next": null, "alerts": []}"#,
            None,
        ),
        (
            r#"{"result": {"rows": [{"id": 1}]}, "has_more": false, "notices": [{"a": 1}]}"#,
            None,
        ),
        (
            r#"{"id": 5, "total": 2, "lines": [{"id": 1}, {"id": 2}]}"#,
            None,
        ),
        (
            r#"{"users": [{"id": 1}], "has_more": false, "documents": []}"#,
            None,
        ),
        (r#"{"id": 7, "tags": [{"id": 1}]}"#, None),
        (
            r#"{"users": [{"id": 1}], "groups": [{"id": 1}], "count": 9}"#,
            None,
        ),
        (r#"{"ids": [1, 2], "count": 9}"#, None),
        (r#"{"errors": [{"code": 1}], "count": 0}"#, None),
    ] {
        let page = Page::parse(&Bytes::from_static(body.as_bytes()), &HeaderMap::new());
        assert_eq!(page.ok().map(|page| page.rows().len()), rows, "{body}");
    }
}

#[test]
fn an_answer_says_in_many_ways_whether_a_page_follows() {
    for (fields, more, next) in [
        (r#""has_more": true"#, Some(true), None),
        (r#""last": false, "totalElements": 9"#, Some(true), None),
        (r#""isLast": true"#, Some(false), None),
        (r#""next_cursor": "c""#, None, Some("c")),
        (r#""nextPageToken": "c""#, None, Some("c")),
        (r#""meta": {"continuationToken": "c"}"#, None, Some("c")),
        (
            r#""response_metadata": {"next_cursor": "c"}"#,
            None,
            Some("c"),
        ),
        (r#""next_cursor": """#, None, None),
        (
            r#""next_cursor": "c", "has_more": false"#,
            Some(false),
            None,
        ),
        (
            r#""count": 1, "next": null, "previous": null, "last": false, "next_token": "c", "offset": "a""#,
            None,
            None,
        ),
        (
            r#""paging": {"next": {"after": null, "link": null}}"#,
            None,
            None,
        ),
        (r#""paging": {"next": {"cursor": "c"}}"#, None, Some("c")),
        (r#""next": {"page": 2}"#, Some(true), None),
        (r#""next": true"#, Some(true), None),
        (r#""next": false"#, None, None),
        (r#""next": null, "offset": "start""#, None, None),
        (r#""offset": "itr7/rec9""#, None, Some("itr7/rec9")),
        (r#""offset": "20""#, None, None),
        (
            r#""pageInfo": {"hasNextPage": true, "endCursor": "c"}"#,
            Some(true),
            Some("c"),
        ),
        (
            r#""pageInfo": {"hasNextPage": false, "endCursor": "c"}"#,
            Some(false),
            None,
        ),
        (
            r#""paging": {"next": {"after": "c", "link": "/x?after=c"}}"#,
            None,
            Some("/x?after=c"),
        ),
        (
            r#""paging": {"next": "/x?after=c"}"#,
            None,
            Some("/x?after=c"),
        ),
        (
            r#""@odata.nextLink": "/x?$skip=2""#,
            None,
            Some("/x?$skip=2"),
        ),
        (r#""meta": {"hasNextPage": false}"#, Some(false), None),
        (r#""next_page_results": true"#, Some(true), None),
        (r#""next_page": 2"#, None, Some("2")),
        (r#""next_page": null"#, None, None),
        (r#""more": "x""#, None, None),
    ] {
        let page = parse(&format!(r#"{{"results": [1], {fields}}}"#));
        assert_eq!((page.more(), page.next()), (more, next), "{fields}");
        let names = [
            "next_page\"",
            "next\"",
            "next_cursor",
            "nextPageToken",
            "continuationToken",
            "nextLink",
            "itr7",
        ];
        let names_next = names.iter().any(|name| fields.contains(name));
        assert_eq!(page.names_next(), names_next, "{fields}");
    }
    let numbered = parse(r#"{"results": [1, 2, 3], "next_page": 2}"#);
    assert_eq!(numbered.recognise(&[]), Some(Style::PageNumber));
    // Of two rows that are skipped one may be hidden.
    let hidden = parse(r#"{"results": [1], "next_page": 2}"#);
    assert_eq!(hidden.recognise(&[]), None);
    assert_eq!(hidden.recognise(&sent("limit=1")), Some(Style::PageNumber));
}

#[test]
fn a_count_of_the_page_is_none_of_the_collection() {
    for (fields, count) in [
        (r#""count": 2, "total_count": 250"#, Some(250)),
        (r#""count": 2, "total": 2"#, Some(2)),
        (r#""count": 2, "next": "/x?page=2""#, None),
        (r#""count": 2, "has_more": true"#, None),
        (r#""count": 2, "next": null"#, Some(2)),
        (r#""count": 9, "next": "/x?page=2""#, Some(9)),
        (r#""totalElements": 9, "size": 2"#, Some(9)),
        (r#""totalItems": "9""#, Some(9)),
        (r#""page": {"totalElements": 9}"#, Some(9)),
        (
            r#""count": 2, "next": null, "previous": null, "totalItems": 9, "page": {"totalResults": 8}"#,
            Some(2),
        ),
        (r#""page": {"current": 1, "total": 5}"#, None),
        (r#""count": 9, "page": {"number": 1, "total": 5}"#, Some(9)),
        (r#""recordsTotal": 20, "recordsFiltered": 9"#, Some(9)),
    ] {
        let page = parse(&format!(r#"{{"results": [1, 2], {fields}}}"#));
        assert_eq!(page.count(), count, "{fields}");
    }
    let twice = Bytes::from_static(br#"{"results": [1], "count": 5, "total": 9}"#);
    let error = Page::parse(&twice, &HeaderMap::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("5 and 9"), "{error}");
}

#[test]
fn a_header_may_hold_what_stands_around_the_rows() {
    let text = r#"{"TotalCount": 130, "PageSize": 2, "HasNext": true}"#;
    let mut headers = HeaderMap::new();
    headers.insert("x-pagination", text.parse().unwrap());
    let page = Page::parse(&Bytes::from_static(b"[1, 2]"), &headers).unwrap();
    assert_eq!((page.count(), page.more()), (Some(130), Some(true)));
}

#[test]
fn headers_name_the_next_page_and_the_count() {
    for (name, value, next) in [
        (
            "next-page",
            "http://h/x?_token=a",
            Some("http://h/x?_token=a"),
        ),
        (
            "x-pagination-next",
            "http://h/x?page=2",
            Some("http://h/x?page=2"),
        ),
        ("x-next-page", "2", Some("2")),
        ("x-next-page", "", None),
        (
            "link",
            r#"<http://h/x?cursor=2>; rel="next"; results="true""#,
            Some("http://h/x?cursor=2"),
        ),
        (
            "link",
            r#"<http://h/x?cursor=2>; rel="next"; results="false""#,
            None,
        ),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers.insert("x-pagination-count", "9".parse().unwrap());
        let page = Page::parse(&Bytes::from_static(b"[1]"), &headers).unwrap();
        assert_eq!(
            (page.next(), page.count()),
            (next, Some(9)),
            "{name}: {value}"
        );
        assert!(page.names_next());
    }
}

#[test]
fn an_empty_link_is_none() {
    for next in [
        r#""""#,
        r#"{"href": ""}"#,
        r#"{"href": 5}"#,
        "{}",
        "null",
        "[]",
    ] {
        let page = parse(&format!(r#"{{"results": [], "next": {next}}}"#));
        assert_eq!(page.next(), None, "{next}");
        assert!(page.names_next());
    }
    let headed = |next: &str| {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-next-page"),
            http::HeaderValue::from_str(next).unwrap(),
        )]);
        let page = Page::parse(&Bytes::from_static(b"{\"results\": []}"), &headers).unwrap();
        (page.next().map(str::to_owned), page.names_next())
    };
    assert_eq!(headed("3"), (Some("3".to_owned()), true));
    assert_eq!(headed(""), (None, true), "it names that there is none");
}

#[test]
fn a_page_without_rows_counts_the_collection() {
    let page = parse(r#"{"count": 0, "next": "/x?page=2", "results": []}"#);
    assert_eq!(page.count(), Some(0));
    assert!(page.is_enveloped());
    assert!(!parse("[]").is_enveloped());
}

#[test]
fn a_bare_number_is_the_next_page_only_if_it_is_the_one_after() {
    let shown = |number: u64, query: &str| {
        let body = format!(r#"{{"results": [{{"id": 1}}, {{"id": 2}}], "next": {number}}}"#);
        parse(&body).recognise(&sent(query))
    };
    assert_eq!(shown(1, "active=true"), Some(Style::PageNumber));
    assert_eq!(
        shown(2, "active=true"),
        None,
        "or the offset behind two rows"
    );
    assert_eq!(shown(9, "active=true"), Some(Style::Link));
    assert_eq!(shown(5, "limit=5"), Some(Style::LimitOffset));
    assert_eq!(shown(4, "page=3"), Some(Style::PageNumber));
    let behind_none = |query: &str| parse(r#"{"results": [], "next": 2}"#).recognise(&sent(query));
    assert_eq!(behind_none(""), None, "or the offset behind hidden rows");
    assert_eq!(behind_none("limit=5"), Some(Style::PageNumber));
}

#[test]
fn a_count_that_is_none_is_not_believed() {
    for count in [
        "-1",
        "\"many\"",
        "null",
        "1.5",
        "[]",
        "{}",
        "true",
        "99999999999999999999",
    ] {
        let page = parse(&format!(
            r#"{{"count": {count}, "next": null, "results": [1]}}"#
        ));
        assert_eq!(page.count(), None, "{count}");
    }
}

#[test]
fn recognises_paginators_by_what_their_links_change() {
    let with = |next: &str, query: &str| {
        parse(&format!(
            r#"{{"next": "{next}", "previous": null, "results": []}}"#
        ))
        .recognise(&sent(query))
    };
    for (next, query, style) in [
        ("http://h/u/?limit=5&offset=5", "", Style::LimitOffset),
        (
            "http://h/u/?limit=5&offset=5",
            "limit=5",
            Style::LimitOffset,
        ),
        ("http://h/u/?cursor=cD0y", "", Style::Cursor),
        ("http://h/u/?page=2&page_size=9", "", Style::PageNumber),
        // What the request said is echoed by servers that do not know it.
        (
            "http://h/u/?limit=1&offset=40&page=2",
            "limit=1&offset=40",
            Style::PageNumber,
        ),
        (
            "http://h/u/?limit=1&offset=40&cursor=x",
            "limit=1&offset=40",
            Style::Cursor,
        ),
        (
            "http://h/u/?page=7&limit=5&offset=10",
            "page=7&offset=5",
            Style::LimitOffset,
        ),
        ("http://h/u/?after=x", "", Style::Link),
        ("http://h/u/?page%5Bnumber%5D=2", "", Style::Link),
        ("eyJpZCI6N30=", "", Style::Link),
    ] {
        assert_eq!(with(next, query), Some(style), "{next} after {query}");
    }
    assert_eq!(with("http://h/u/?a=1", "a=1"), None);
    assert_eq!(with("http://h/u/", ""), None);
    assert_eq!(parse("[]").recognise(&[]), Some(Style::None));
    let last =
        parse(r#"{"count": 9, "next": null, "previous": "http://h/u/?limit=5", "results": []}"#);
    assert_eq!(
        last.recognise(&sent("limit=5&offset=5")),
        Some(Style::LimitOffset)
    );
    let only = parse(r#"{"count": 9, "next": null, "previous": null, "results": []}"#);
    assert_eq!(only.recognise(&[]), None);
}

#[test]
fn link_headers() {
    let mut headers = HeaderMap::new();
    headers.insert(
        "link",
        r#"<https://h/x?page=3>; rel="next""#.parse().unwrap(),
    );
    headers.insert("x-total-count", "12".parse().unwrap());
    let page = Page::parse(&Bytes::from_static(b"[1]"), &headers).unwrap();
    assert_eq!(
        (page.next(), page.count()),
        (Some("https://h/x?page=3"), Some(12))
    );
    assert_eq!(page.recognise(&[]), Some(Style::Link));
}

#[test]
fn what_is_no_list_says_so() {
    for body in [
        "",
        "null",
        "3",
        r#"{"detail": "x"}"#,
        r#"{"results": {}}"#,
        "[1",
        "[1]]",
        "<html>",
        "\u{feff}[]",
    ] {
        let error =
            Page::parse(&Bytes::copy_from_slice(body.as_bytes()), &HeaderMap::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
}

/// Text that is often nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\""),
        Just("\\"),
        Just(" "),
        Just("\"results\""),
        Just("\"count\""),
        Just("\"next\""),
        Just("\"meta\""),
        Just("\"links\""),
        Just("null"),
        Just("-1"),
        Just("1e9"),
        Just("\"?page=2\""),
        Just("\u{0}"),
        Just("é"),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_a_page_or_an_error(body in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Err(error) = Page::parse(&Bytes::from(body), &HeaderMap::new()) {
            prop_assert_eq!(error.kind(), ErrorKind::Decode);
        }
    }

    #[test]
    fn what_is_nearly_json_is_a_page_or_an_error(body in nearly_json()) {
        let body = Bytes::from(body);
        match Page::parse(&body, &HeaderMap::new()) {
            // What is taken for a page is JSON, and so is each of its rows.
            Ok(page) => {
                prop_assert!(serde_json::from_slice::<Value>(&body).is_ok());
                for row in page.rows() {
                    prop_assert!(serde_json::from_slice::<Value>(row.bytes()).is_ok());
                }
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Decode),
        }
    }

    #[test]
    fn rows_of_any_envelope_are_those_written(
        rows in prop::collection::vec(json(), 0..5),
        meta in json(),
        next in prop::option::of(".{0,12}"),
        count in any::<i64>(),
        name in prop::sample::select(&ROWS[..]),
        pretty in any::<bool>(),
    ) {
        let body = serde_json::json!({"count": count, "next": next, "meta": meta, name: rows});
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let page = parse(&text);
        let read: Vec<Value> = page.rows().iter().map(|row| serde_json::from_slice(row.bytes()).unwrap()).collect();
        let written: Vec<Value> = serde_json::from_str::<Value>(&text).unwrap()[name].as_array().unwrap().clone();
        prop_assert_eq!(read, written);
        if count >= 0 {
            prop_assert_eq!(page.count(), u64::try_from(count).ok());
        }
        if let Some(next) = next.filter(|next| !next.is_empty()) {
            prop_assert_eq!(page.next(), Some(next.as_str()));
        }
        let plain = parse(&serde_json::to_string(&body[name]).unwrap());
        prop_assert_eq!(plain.rows().len(), page.rows().len());
    }

    #[test]
    fn any_link_header_is_read_without_harm(value in "[ -~]{0,40}", next in "[a-z?=&/]{1,12}") {
        let mut headers = HeaderMap::new();
        headers.append(http::header::LINK, value.parse().unwrap());
        let _ = Page::parse(&Bytes::from_static(b"[]"), &headers).unwrap();
        headers.insert(http::header::LINK, format!("<{next}>; title=\"x\"; rel=next").parse().unwrap());
        let page = Page::parse(&Bytes::from_static(b"[]"), &headers).unwrap();
        prop_assert_eq!(page.next(), Some(next.as_str()));
    }

    #[test]
    fn pairs_of_any_link_survive_being_written(pairs in prop::collection::vec((".{1,6}", ".{0,6}"), 0..5), host in "[a-z:/.]{0,9}") {
        let query = pairs.iter().map(|(name, value)| {
            let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
            format!("{}={}", encode(name), encode(value))
        }).collect::<Vec<_>>().join("&");
        prop_assert_eq!(query_pairs(&format!("{host}?{query}")), pairs);
    }
}

#[test]
fn rows_are_decoded_while_they_are_cut() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Book {
        id: i64,
        title: String,
    }
    let body = Bytes::from_static(
        br#" {"count": 3, "results" : [ {"id":1,"title":"a \u00e9","more":[1,{}]} ,{"id":"2"}, 3 ] , "next":null} "#,
    );
    let page = Page::parse_as(&body, &HeaderMap::new(), Some(RowType::of::<Book>())).unwrap();
    let untyped = Page::parse(&body, &HeaderMap::new()).unwrap();
    assert_eq!(page.rows(), untyped.rows());
    assert_eq!((page.count(), page.names_next()), (Some(3), true));
    let mut rows = page.into_rows();
    let mut copy = rows[0].clone();
    let book = rows[0].take_value::<Book>();
    assert_eq!(book.as_ref().map(|book| book.title.as_str()), Some("a é"));
    assert_eq!(copy.take_value::<Book>(), None, "it is taken once");
    assert_eq!(
        rows[1].clone().take_value::<Book>(),
        None,
        "it does not fit"
    );
    assert_eq!(rows[1].take_value::<i64>(), None);
    assert!(rows[1].decode::<Book>("Book").is_err());
    assert_eq!(rows[2].bytes().as_ref(), b"3");
}

#[test]
fn text_that_is_not_json_is_no_page_however_it_is_cut() {
    for body in [
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[1 2]",
        "[1]]",
        "[1] x",
        "[tru]",
        r#"{"results":[]"#,
        r#"{"results":[]]"#,
        r#"{"results":[],}"#,
        r#"{"results" []}"#,
        r#"{results:[]}"#,
        r#"{"results":[{"id":1}{"id":2}]}"#,
        r#"{"results":[{"id":1,}]}"#,
        "{\"results\":[\"a\nb\"]}",
    ] {
        for row_type in [None, Some(RowType::of::<Value>())] {
            let page = Page::parse_as(&Bytes::from(body), &HeaderMap::new(), row_type);
            assert!(page.is_err(), "{body} became {page:?}");
        }
    }
    let not_utf8 = Bytes::from_static(b"[\"\xff\"]");
    assert!(Page::parse(&not_utf8, &HeaderMap::new()).is_err());
}
