//! Related rows whose key is a UUID, a text that the client gives, or the end of a URL: the same of each.

use django_api_orm::{prelude::*, related::Prefetch};
use django_api_orm_testserver::{Field, OnDelete, Paginator, Resource, TestServer};
use serde_json::{Value, json};

const TEAMS: usize = 6;
const MEMBERS: usize = 40;

/// The team of a member, by number.
fn team_of(member: usize) -> Option<usize> {
    (!member.is_multiple_of(7)).then_some(member % TEAMS)
}

fn teams_of(member: usize) -> Vec<usize> {
    (0..member % 3)
        .map(|step| (member + step) % TEAMS)
        .collect()
}

/// Teams with such keys; members show their key in this form.
async fn server(
    key: Field,
    keys: &[Value],
    link: Field,
    shown: impl Fn(usize) -> Value,
) -> TestServer {
    let teams: Vec<Value> = (keys.iter().enumerate())
        .map(|(number, key)| json!({"key": key, "name": format!("Team {number}")}))
        .collect();
    let members: Vec<Value> = (0..MEMBERS)
        .map(|member| {
            let teams: Vec<Value> = teams_of(member).into_iter().map(&shown).collect();
            let team = team_of(member).map(|number| keys[number].clone());
            json!({"id": member + 1, "team": team, "teams": teams})
        })
        .collect();
    let pages = || Paginator::limit_offset().default_limit(100).max_limit(100);
    let teams = Resource::new("teams")
        .fields([key.primary_key(), Field::text("name", 20)])
        .lookup_field("key")
        .paginator(pages())
        .filter_on_everything()
        .rows(teams);
    let members = Resource::new("members")
        .fields([
            Field::integer("id").primary_key(),
            link,
            Field::json("teams"),
        ])
        .paginator(pages())
        .filter_on_everything()
        .rows(members);
    TestServer::builder()
        .resource(teams)
        .resource(members)
        .start()
        .await
        .unwrap()
}

macro_rules! keyed_by {
    ($name:ident: $key:ty, $form:ty; $field:expr; $keys:expr; $link:expr; $shown:expr) => {
        mod $name {
            use super::*;

            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
            #[api(endpoint = "/api/v1/teams/", lookup_field = "key")]
            #[api(related(members = Member::team))]
            struct Team {
                #[api(primary_key)]
                key: $key,
                name: String,
            }

            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
            #[api(endpoint = "/api/v1/members/")]
            struct Member {
                id: Option<i64>,
                #[api(relation)]
                team: Option<Key<Team, $form>>,
                #[api(relation)]
                teams: Vec<Key<Team, $form>>,
            }

            #[tokio::test]
            async fn related_rows_are_found_by_it() {
                let keys: Vec<Value> = $keys;
                let server = server($field, &keys, $link, $shown(keys.clone())).await;
                let client = ServiceClient::new(server.base_url()).unwrap();
                let members = client.objects::<Member>().order_by([Member::F.id.asc()]);
                let name = |number| format!("Team {number}");
                let cost = || client.stats().requests;

                let found = members.fetch().await.unwrap();
                let before = cost();
                for (number, member) in found.iter().enumerate() {
                    let team = member.team().await.unwrap();
                    assert_eq!(
                        team.map(|team| team.name.clone()),
                        team_of(number).map(name)
                    );
                    let teams = member.teams().await.unwrap();
                    let names: Vec<_> = teams.iter().map(|team| team.name.clone()).collect();
                    assert_eq!(
                        names,
                        teams_of(number).into_iter().map(name).collect::<Vec<_>>()
                    );
                }
                assert_eq!(cost() - before, 2, "one for each relation");

                let prefetched = members.prefetch_related(Member::F.team);
                let prefetched = prefetched.prefetch_related(Member::F.teams);
                let before = cost();
                let found = prefetched.await.unwrap();
                for (number, member) in found.iter().enumerate() {
                    let team = member.team().await.unwrap();
                    assert_eq!(
                        team.map(|team| team.name.clone()),
                        team_of(number).map(name)
                    );
                    assert_eq!(member.teams().await.unwrap().len(), teams_of(number).len());
                }
                assert_eq!(cost() - before, 3);

                let fields = (Member::F.id, Member::F.team.to(Team::F.name).nullable());
                let values = members.values_list(fields).await.unwrap();
                let expected =
                    (0..MEMBERS).map(|number| (number as i64 + 1, team_of(number).map(name)));
                assert_eq!(values, expected.collect::<Vec<_>>());

                let teams = client.objects::<Team>().order_by([Team::F.name.asc()]);
                let with_members = teams.prefetch_related(Prefetch::back(Member::F.team));
                let with_members = with_members.await.unwrap();
                assert_eq!(with_members.len(), TEAMS);
                let before = cost();
                for (number, team) in with_members.iter().enumerate() {
                    let mut ids: Vec<_> = (team.members().rows().await.unwrap().iter())
                        .filter_map(|member| member.id)
                        .collect();
                    ids.sort_unstable();
                    let of = (0..MEMBERS).filter(|member| team_of(*member) == Some(number));
                    assert_eq!(ids, of.map(|member| member as i64 + 1).collect::<Vec<_>>());
                }
                assert_eq!(cost(), before);
            }

            #[tokio::test]
            async fn lists_are_written_in_their_form() {
                let keys: Vec<Value> = $keys;
                let shown = $shown(keys.clone());
                let server = server($field, &keys, $link, $shown(keys.clone())).await;
                let client = ServiceClient::new(server.base_url()).unwrap();
                let teams = client.objects::<Team>().order_by([Team::F.name.asc()]);
                let teams = teams.await.unwrap();
                let members = client.objects::<Member>();
                let mut member = members.get(Member::F.id.eq(3)).await.unwrap();
                assert_eq!(teams_of(2), [2, 3]);
                member
                    .teams_mut()
                    .add([&teams[3], &teams[5]])
                    .await
                    .unwrap();
                member.teams_mut().remove([&teams[2]]).await.unwrap();
                let row = members.get(Member::F.id.eq(3)).await.unwrap();
                let sent = serde_json::to_value(&row.teams).unwrap();
                let path = |value: &Value| {
                    let text = value.as_str().unwrap_or_default().to_owned();
                    text.split_once("/api/")
                        .map_or(text.clone(), |(_, path)| path.to_owned())
                };
                let sent: Vec<_> = sent.as_array().unwrap().iter().map(path).collect();
                assert_eq!(sent, [3, 5].map(|number| path(&shown(number))));
            }
        }
    };
}

fn uuids() -> Vec<Value> {
    (0..TEAMS)
        .map(|number| json!(format!("7d4e1c9a-0b6f-4a57-8a3e-5f0c2b1d000{number}")))
        .collect()
}

fn codes() -> Vec<Value> {
    (0..TEAMS)
        .map(|number| json!(format!("team-{number}")))
        .collect()
}

fn plainly(keys: Vec<Value>) -> impl Fn(usize) -> Value {
    move |number| keys[number].clone()
}

fn as_url(keys: Vec<Value>) -> impl Fn(usize) -> Value {
    move |number| {
        json!(format!(
            "https://api.example.com/api/v1/teams/{}/",
            keys[number].as_str().unwrap_or_default()
        ))
    }
}

fn link() -> Field {
    Field::foreign_key("team", "teams", OnDelete::Cascade).null()
}

keyed_by!(by_uuid: uuid::Uuid, django_api_orm::Id; Field::uuid("key"); uuids(); link(); plainly);
keyed_by!(by_code: String, django_api_orm::Id; Field::slug("key"); codes(); link(); plainly);
keyed_by!(by_url: String, django_api_orm::Url; Field::slug("key"); codes(); Field::link("team", "teams", OnDelete::Cascade).null(); as_url);
keyed_by!(by_url_of_a_uuid: uuid::Uuid, django_api_orm::Url; Field::uuid("key"); uuids(); Field::link("team", "teams", OnDelete::Cascade).null(); as_url);
