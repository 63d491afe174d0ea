//! Random servers: Django REST Framework's, with some departures from it.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    description::{Choices, Count, Next, Paging, Row, Server, Sorts, Unknown},
    queries::{KINDS, LOOKUPS, NAMES},
};

/// The departures, as what they set in a description.
fn departures() -> Vec<(&'static str, Value)> {
    let of = |field: &'static str, values: Vec<Value>| {
        values.into_iter().map(move |value| (field, value))
    };
    let flags = |field: &'static str| (field, json!(true));
    let mut all = Vec::new();
    all.extend(of(
        "paging",
        vec![
            json!("Whole"),
            json!("OffsetIgnored"),
            json!("Number"),
            json!("SizedNumber"),
            json!("Cursor"),
        ],
    ));
    all.extend(of("cap", vec![json!(2), json!(5)]));
    all.extend(of("over_cap", vec![json!(400), json!(422)]));
    all.push(flags("end_is_missing"));
    all.extend(of(
        "rows_in",
        vec![json!(null), json!("data"), json!("items"), json!("objects")],
    ));
    all.extend(of(
        "count",
        vec![
            json!("Absent"),
            json!({"Total": "total"}),
            json!({"Total": "meta.total_count"}),
            json!({"Header": "X-Total-Count"}),
            json!({"Header": "X-Pagination-Count"}),
            json!({"OfPage": "count"}),
            json!({"OfPageAndTotal": "total_count"}),
            json!({"TooFew": "count"}),
            json!({"TooMany": "total"}),
        ],
    ));
    all.extend(of(
        "next",
        vec![
            json!({"Link": "links.next"}),
            json!({"RelativeLink": "next"}),
            json!("Header"),
            json!("HeaderWithResults"),
            json!({"OtherHeader": "X-Pagination-Next"}),
            json!({"OtherHeader": "Next-Page"}),
            json!({"Number": "next_page"}),
            json!({"Flag": "has_more"}),
            json!({"Flag": "next_page_results"}),
            json!({"Always": "next"}),
        ],
    ));
    all.push(("previous", json!(false)));
    all.extend(of("unknown", vec![json!("Refused"), json!("Equality")]));
    all.push(("natural", json!("Newest")));
    all.extend(of(
        "shows",
        vec![json!("Display"), json!("Words"), json!("ShortNames")],
    ));
    // Twice, so that they meet with labels.
    for _ in 0..2 {
        all.push(("shows", json!("Display")));
        all.extend(of(
            "choices",
            vec![json!("Dropped"), json!("LeftOut"), json!("Refused")],
        ));
    }
    all.extend(of(
        "sorts",
        vec![json!("Key"), json!("Ascending"), json!("Nothing")],
    ));
    all.push(flags("nulls_last"));
    all.push(flags("lowers_names"));
    all.push(flags("trims"));
    all.push(flags("equates_cases"));
    all.push(flags("sorts_cases_alike"));
    all.extend(of(
        "hides",
        vec![json!([1, 2]), json!([3]), json!([2, 3, 5, 6])],
    ));
    all.extend(of("drops", vec![json!(["flag"]), json!(["kind", "name"])]));
    all.extend(of("detail", vec![json!("BySlug"), json!("Absent")]));
    all.extend(of(
        "answers",
        vec![
            json!("Part"),
            json!("Name"),
            json!("Nothing"),
            json!("Wrapped"),
            json!("Page"),
        ],
    ));
    all
}

fn row() -> impl Strategy<Value = Row> {
    (
        select(NAMES.to_vec()),
        prop::option::weighted(0.8, select(KINDS.to_vec())),
        prop::option::weighted(0.8, -1_i64..7),
        any::<bool>(),
    )
        .prop_map(|(name, kind, rank, flag)| Row {
            id: 0,
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
            rank,
            flag,
        })
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((row(), prop::bool::weighted(0.1)), 0..14).prop_map(|rows| {
        let mut id = 0;
        rows.into_iter()
            .map(|(row, gap)| {
                id += if gap { 2 } else { 1 };
                Row { id, ..row }
            })
            .collect()
    })
}

pub(crate) fn server() -> impl Strategy<Value = Server> {
    let lacks = prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::sample::subsequence(LOOKUPS.to_vec(), 1..4),
        1 => Just(LOOKUPS.to_vec()),
    ];
    let departures = prop::collection::vec(select(departures()), 0..5);
    let names_drf = prop::bool::weighted(0.3);
    (rows(), names_drf, 2_usize..7, lacks, departures).prop_map(
        |(rows, names_drf, size, lacks, departures)| {
            let mut server = json!(Server::default());
            for (field, value) in departures {
                server[field] = value;
            }
            let server: Server = serde_json::from_value(server).unwrap();
            sensible(Server {
                rows,
                names_drf,
                size,
                lacks: lacks.into_iter().map(str::to_owned).collect(),
                ..server
            })
        },
    )
}

/// Without what no server has, and no client could see through: links from the only page, pages of which nothing tells that there are more, where neither
/// an offset nor a page number leads to them, and names in the envelope of a bare list.
fn sensible(mut server: Server) -> Server {
    if server.names_drf {
        server.unknown = Unknown::Ignored;
        if server.choices != Choices::Any {
            server.choices = Choices::Refused;
        }
    }
    if server.rows_in.is_none() {
        if !matches!(server.count, Count::Header(_)) {
            server.count = Count::Absent;
        }
        if !matches!(
            server.next,
            Next::Header | Next::HeaderWithResults | Next::OtherHeader(_)
        ) {
            server.next = Next::Absent;
        }
    }
    let by_number = matches!(server.paging, Paging::Number | Paging::SizedNumber);
    if matches!(server.next, Next::Number(_)) && !by_number && server.paging != Paging::Offset {
        server.paging = Paging::Number;
    }
    if matches!(server.next, Next::Always(_)) {
        server.end_is_missing = false;
        // A link from the one page there is leads nowhere.
        if server.paging == Paging::Whole {
            server.next = Next::Link("next".to_owned());
        }
    }
    if server.over_cap.is_some() {
        server.cap.get_or_insert(server.size);
    }
    let tells_end = server.next != Next::Absent
        || matches!(
            server.count,
            Count::Total(_) | Count::Header(_) | Count::OfPageAndTotal(_)
        );
    let can_be_tried = matches!(
        server.paging,
        Paging::Offset | Paging::Number | Paging::SizedNumber
    );
    if !tells_end && !can_be_tried {
        server.paging = Paging::Whole;
    }
    // Hidden rows have positions, so without a link nobody knows where the next page begins. The walk says that rows moved. And an
    // empty page whose own count is 0 looks like that of a server which links to the page after every page.
    if matches!(server.next, Next::Absent | Next::Flag(_))
        || matches!(server.count, Count::OfPage(_) | Count::TooFew(_))
    {
        server.hides.clear();
    }
    if (server.equates_cases || server.sorts_cases_alike) && !server.lowers_names {
        for row in server.rows.iter_mut().filter(|row| row.id % 3 == 0) {
            row.name[..1].make_ascii_uppercase();
        }
    }
    // Where a text is shown in another form, the server has to be asked for it.
    if let Some(hidden) = server.shown_otherwise() {
        // A part that all labels have is believed of Django REST Framework where no label is seen twice.
        let may_deceive = server.may_drop("kind") || server.names_drf;
        let is_needed = |lookup: &String| match hidden {
            "kind" => lookup == "kind" || may_deceive && lookup == "kind__icontains",
            _ => lookup.split("__").next() == Some(hidden),
        };
        server
            .lacks
            .retain(|lookup| lookup != "id" && !is_needed(lookup));
        server.sorts = Sorts::All;
    }
    if server.unknown == Unknown::Equality {
        // The fields of a row are known.
        server.lacks.retain(|lookup| lookup.contains("__"));
    }
    server
}
