//! Rows as `NetBox` has them: what they point at is a brief object, written as a key, and filtered by under another name.

use django_api_orm::{Error, prelude::*};
use django_api_orm_testserver::{Field, Paginator, Quirk, Resource, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/sites/",
    repeated_values,
    related(devices = Device::site)
)]
struct Site {
    id: Option<i64>,
    name: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/devices/", repeated_values)]
struct Device {
    id: Option<i64>,
    name: String,
    #[api(relation, filter = "site_id")]
    site: Key<Site>,
}

fn site_of(device: i64) -> i64 {
    device % 8 + 1
}

/// 120 devices on 8 sites.
async fn client() -> (TestServer, ServiceClient) {
    let site = |id: i64| json!({"id": id, "name": format!("Site {id}"), "status": "active"});
    let brief =
        |id: i64| json!({"id": id, "display": format!("Site {id}"), "name": format!("Site {id}")});
    let sites: Vec<Value> = (1..=8).map(site).collect();
    let devices: Vec<Value> = (1..=120)
        .map(|id| json!({"id": id, "name": format!("Device {id}"), "site": brief(site_of(id)), "site_id": site_of(id)}))
        .collect();
    let pages = || Paginator::limit_offset().default_limit(50).max_limit(1000);
    let sites = Resource::new("sites")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::text("status", 20),
        ])
        .rows(sites);
    let devices = Resource::new("devices")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::json("site"),
            Field::integer("site_id").null(),
        ])
        // Filters see it.
        .quirk(Quirk::OmitFields(vec!["site_id".to_owned()]))
        .rows(devices);
    let server = [sites, devices]
        .into_iter()
        .fold(TestServer::builder(), |server, resource| {
            let resource = resource.paginator(pages()).filter_on_everything();
            server.resource(resource.quirk(Quirk::RepeatedIsAny))
        });
    let server = server.start().await.unwrap();
    let client = ServiceClient::new(server.base_url()).unwrap();
    (server, client)
}

fn asked(server: &TestServer) -> Vec<String> {
    let requests = server.requests();
    server.clear_requests();
    let asked = requests.iter().map(|request| match request.query() {
        "" => request.path().to_owned(),
        query => format!("{}?{query}", request.path()),
    });
    asked.collect()
}

#[tokio::test]
async fn a_brief_object_is_the_key_and_what_it_lacks_is_asked_for() -> Result<(), Error> {
    let (server, client) = client().await;
    let devices = client.objects::<Device>();
    let device = devices.get(Device::F.id.eq(3)).await?;
    assert_eq!(device.site, Key::new(4));
    assert_eq!(device.site().await?.status, "active");
    assert_eq!(asked(&server), ["/api/v1/devices/3/", "/api/v1/sites/4/"]);

    let found = devices.all().prefetch_related(Device::F.site).await?;
    assert_eq!(found.len(), 120);
    for device in &found {
        let id = device.id.unwrap_or_default();
        assert_eq!(device.site().await?.id, Some(site_of(id)));
    }
    let sites: Vec<String> = asked(&server)
        .into_iter()
        .filter(|path| path.contains("/sites/"))
        .collect();
    let [sites] = sites.as_slice() else {
        panic!("one request: {sites:?}")
    };
    assert!(
        sites.starts_with("/api/v1/sites/?id=2&id=3&id=4&id=5"),
        "{sites}"
    );
    Ok(())
}

#[tokio::test]
async fn filters_go_by_the_name_that_is_declared() -> Result<(), Error> {
    let (server, client) = client().await;
    let devices = client.objects::<Device>();
    let site = client.objects::<Site>().get(Site::F.id.eq(2)).await?;
    let own = devices.filter(Device::F.site.eq(&site));
    assert_eq!(
        own.explain()?.pushed(),
        [("site_id".to_owned(), "2".to_owned())]
    );
    assert_eq!(own.await?.len(), 15);
    assert_eq!(site.devices().rows().await?.len(), 15);
    let either = devices.filter(Device::F.site.in_([Key::<Site>::new(1), Key::new(2)]));
    assert_eq!(either.explain()?.pushed().len(), 2);
    assert_eq!(either.clone().count().await?, 30);
    // Twice the same parameter would mean either.
    let both = either.filter(Device::F.site.eq(&site));
    assert!(both.explain()?.local()[0].contains("comes twice"));
    assert_eq!(both.await?.len(), 15);
    assert_eq!(devices.exclude(Device::F.site.eq(&site)).await?.len(), 105);
    let misnamed = devices.all().parameter("site", "berlin").await.unwrap_err();
    assert!(
        misnamed.to_string().contains("filter by the field"),
        "{misnamed}"
    );
    assert!(asked(&server).iter().all(|path| !path.contains("site=")));
    Ok(())
}

#[tokio::test]
async fn keys_are_written() -> Result<(), Error> {
    let (server, client) = client().await;
    let site = client.objects::<Site>().get(Site::F.id.eq(5)).await?;
    let mut device = client.objects::<Device>().get(Device::F.id.eq(3)).await?;
    server.clear_requests();
    device.site = Key::of(&site)?;
    device.save().await?;
    let bodies: Vec<Value> = server
        .requests()
        .iter()
        .filter_map(|request| serde_json::from_slice(request.body()).ok())
        .collect();
    assert_eq!(bodies, [json!({"site": 5})]);
    assert_eq!(device.site().await?.name, "Site 5");
    device.save().await?;
    assert_eq!(server.requests().len(), 2);
    Ok(())
}
