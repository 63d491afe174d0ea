//! Servers that write a value down in a spelling of their own: each call must not create another row.

use std::{
    net::Ipv6Addr,
    sync::{Arc, Mutex},
};

use django_api_orm::{ErrorKind, Filter, ServiceClient, prelude::*};
use django_api_orm_testserver::{Reply, TestServer, View};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::site::served;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/hosts/")]
struct Host {
    id: Option<i64>,
    address: String,
    rank: i64,
}

/// What it is, what a program asks for, and how the server spells it.
type Spelling = (&'static str, &'static str, fn(&str) -> String);

fn spellings() -> [Spelling; 4] {
    [
        ("a MAC address", "AA-BB-CC-00-11-22", |text| {
            text.to_lowercase().replace('-', ":")
        }),
        ("an e-mail address", "Ann@Example.ORG", str::to_lowercase),
        ("blanks", "  a name ", |text| text.trim().to_owned()),
        ("IPv6", "2001:0DB8:0000:0000:0000:0000:0000:0001", |text| {
            let address = text.parse::<Ipv6Addr>();
            address.map_or_else(|_| text.to_owned(), |address| address.to_string())
        }),
    ]
}

/// Hosts in memory. Values are spelt by `spell` when they are written, and in filters, too, if the server is lenient.
async fn start(spell: fn(&str) -> String, is_lenient: bool) -> (TestServer, ServiceClient) {
    let rows = Arc::new(Mutex::new(vec![
        json!({"id": 1, "address": "there", "rank": 1}),
    ]));
    let view = View::new("/api/v1/hosts/", [Method::GET, Method::POST], move |call| {
        let mut rows = rows.lock().unwrap();
        if call.method() == Method::POST {
            let sent = call.data()?;
            let address = spell(sent["address"].as_str().unwrap_or_default());
            let new = json!({"id": rows.len() + 1, "address": address, "rank": sent["rank"]});
            rows.push(new.clone());
            return Ok(Reply::json(StatusCode::CREATED, &new));
        }
        let asked = call.parameter("address");
        let asked = asked.map(|text| {
            if is_lenient {
                spell(text)
            } else {
                text.to_owned()
            }
        });
        let id = call.parameter("id").and_then(|id| id.parse::<i64>().ok());
        let found: Vec<&Value> = (rows.iter())
            .filter(|row| asked.as_ref().is_none_or(|asked| row["address"] == **asked))
            .filter(|row| id.is_none_or(|id| row["id"] == id))
            .collect();
        Ok(Reply::ok(
            &json!({"count": found.len(), "next": null, "previous": null, "results": found}),
        ))
    });
    served(view).await
}

#[tokio::test]
async fn a_value_in_another_spelling_creates_one_row() {
    for (name, asked, spell) in spellings() {
        for is_lenient in [true, false] {
            for upserts in [false, true] {
                let (server, client) = start(spell, is_lenient).await;
                let context = format!("{name}, lenient: {is_lenient}, update_or_create: {upserts}");
                let hosts = client.objects::<Host>();
                let call = async || {
                    let filter = Filter::<Host>::lookup("address", asked);
                    let values = [Host::F.rank.set(2)];
                    match upserts {
                        true => hosts.update_or_create(filter, values).await,
                        false => hosts.get_or_create(filter, values).await,
                    }
                };
                // Blanks at the ends are no part of a query string, so that nothing finds such a row.
                let is_found = is_lenient && name != "blanks";
                match call().await {
                    Ok((row, created)) => {
                        assert!(is_found && created, "{context}");
                        assert_eq!(
                            (row.id, row.address.clone()),
                            (Some(2), spell(asked)),
                            "{context}"
                        );
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Unsaved, "{context}: {error}");
                        assert!(!is_found && error.to_string().contains("was created (id: 2)"));
                        let row = hosts.instance_in(&error).unwrap();
                        assert_eq!((row.id, row.address.clone()), (Some(2), spell(asked)));
                    }
                }
                for _ in 0..2 {
                    match call().await {
                        Ok((row, created)) => {
                            assert!(is_found && !upserts && !created, "{context}");
                            assert_eq!(row.id, Some(2), "{context}");
                        }
                        // A row that does not show what it was asked for by is not written to.
                        Err(error) if is_found => {
                            assert!(upserts, "{context}: {error}");
                            assert_eq!(error.kind(), ErrorKind::Unsupported, "{context}: {error}");
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Unsaved, "{context}: {error}");
                            assert!(error.to_string().contains("none was created"), "{error}");
                        }
                    }
                }
                let requests = server.requests();
                let posts = requests.iter().filter(|request| request.method() == "POST");
                assert_eq!(posts.count(), 1, "{context}");
            }
        }
    }
}
