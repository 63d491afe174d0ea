//! Logins against a Django site with the packages that give them: simplejwt, django-oauth-toolkit, dj-rest-auth, and Django's own
//! form.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used)]

#[allow(dead_code)] // each suite starts the site in its own ways
#[path = "../support/drf.rs"]
mod drf;

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use django_api_orm::client::{JwtAuth, Login, OAuth2ClientCredentials, ServiceClient, SessionAuth};
use django_api_orm::prelude::*;
use futures_util::future::join_all;
use serde_json::{Value, json};

use drf::Drf;

static SITE: LazyLock<Drf> = LazyLock::new(|| Drf::start_with_logins().expect("the site starts"));
const SECRET: &str = "open sesame & 7%";

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/labels/")]
struct Label {
    id: Option<i64>,
    name: String,
}

/// An account of a test's own.
struct Account {
    name: String,
    site: ServiceClient,
}

impl Account {
    async fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let account = Self {
            name: format!("ann-{number}"),
            site: ServiceClient::new(SITE.base_url()).unwrap(),
        };
        account.control("make").await;
        account
    }

    /// Does something with the account on the site, and says what it has been given.
    async fn control(&self, what: &str) -> Value {
        let asked = json!({"name": self.name, "do": what});
        let answer = self.site.post("/accounts/", &asked).await.unwrap();
        answer.json().unwrap()
    }

    /// The prefix of what is behind each login, the login, and what the site counts of it: how many are made by one login.
    fn logins(&self) -> [(&'static str, Login, &'static str); 4] {
        let (name, url) = (&self.name, SITE.base_url());
        let oauth2 = OAuth2ClientCredentials::new(format!("{url}/o/token/"), name, SECRET);
        let form = SessionAuth::new("/api-auth/login/", name, SECRET);
        let json = SessionAuth::new("/json/login/", name, SECRET).json();
        [
            ("jwt", jwt(self).into(), "pairs"),
            ("session", form.into(), "sessions"),
            ("session", json.into(), "sessions"),
            ("oauth2", oauth2.scope("read write").into(), "tokens"),
        ]
    }
}

fn jwt(account: &Account) -> JwtAuth {
    JwtAuth::new("/api/token/", &account.name, SECRET)
}

fn labels(client: &ServiceClient, way: &str) -> Manager<Label> {
    client.objects().at(&format!("/{way}/labels/"))
}

#[tokio::test]
async fn each_login_reads_and_writes_and_begins_again_once_what_was_ended() {
    for number in 0..4 {
        let account = Account::new().await;
        let (way, login, counted) = account.logins()[number].clone();
        let client = ServiceClient::builder(SITE.base_url())
            .login(login)
            .build()
            .unwrap();
        let rows = labels(&client, way);
        let name = format!("of {}", account.name);
        let mut row = rows.create(&json!({"name": name})).await.unwrap();
        row.name.push('!');
        row.save().await.unwrap();
        assert_eq!(account.control("count").await[counted], 1, "{way}");
        let ended = account.control("end").await;
        let made = join_all((0..60).map(|_| rows.create(&json!({"name": name})))).await;
        assert!(made.iter().all(Result::is_ok), "{way}: {made:?}");
        let now = account.control("count").await;
        // A pair is refreshed first, which gives tokens for the old password.
        let more = if way == "jwt" { 2 } else { 1 };
        let before = ended[counted].as_u64().unwrap();
        assert_eq!(now[counted], before + more, "{way}");
        let written = rows.filter(Label::F.name.eq(&name)).count().await.unwrap();
        assert_eq!(written, 60, "{way}");
        for row in made {
            row.unwrap().delete().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_rotated_refresh_token_is_used_once_and_a_refused_one_is_followed_by_a_login() {
    let account = Account::new().await;
    let client = ServiceClient::builder(SITE.base_url())
        .login(jwt(&account))
        .build()
        .unwrap();
    let rows = labels(&client, "jwt");
    rows.count().await.unwrap();
    account.control("forget").await;
    account.control("end").await;
    let all = join_all((0..40).map(|_| rows.count())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let now = account.control("count").await;
    // The first pair was taken back, so its refresh was refused, and one login followed.
    assert_eq!((&now["pairs"], &now["used"]), (&json!(2), &json!(1)));
    let served = client.stats().requests;
    rows.count().await.unwrap();
    assert_eq!(client.stats().requests, served + 1);
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_says_so() {
    let account = Account::new().await;
    let name = &account.name;
    let logins: [(Login, &str); 5] = [
        (
            JwtAuth::new("/api/token/", name, "no").into(),
            "No active account found",
        ),
        (
            SessionAuth::new("/api-auth/login/", name, "no").into(),
            "check user and password",
        ),
        (
            SessionAuth::new("/json/login/", name, "no").json().into(),
            "Unable to log in",
        ),
        (
            OAuth2ClientCredentials::new("/o/token/", name, "no").into(),
            "invalid_client",
        ),
        (
            OAuth2ClientCredentials::new("/o/token/", name, "no")
                .in_body()
                .into(),
            "invalid_client",
        ),
    ];
    for (login, said) in logins {
        let error = account
            .site
            .with_login(login)
            .unwrap()
            .get("/jwt/labels/")
            .await
            .unwrap_err();
        assert!(
            error.is_authentication() && error.to_string().contains(said),
            "{error}"
        );
    }
    let wrong = JwtAuth::new("/api-auth/login/", name, SECRET);
    let error = account
        .site
        .with_login(wrong)
        .unwrap()
        .get("/jwt/labels/")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("logging in failed"), "{error}");
    let scope = OAuth2ClientCredentials::new("/o/token/", name, SECRET).scope("fly");
    let error = account
        .site
        .with_login(scope)
        .unwrap()
        .get("/oauth2/labels/")
        .await
        .unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("invalid_scope"),
        "{error}"
    );
}

#[tokio::test]
async fn a_session_over_tls_writes_with_a_referer() {
    let site = Drf::start_tls_with_logins().unwrap();
    let ca_file = site.ca_file().unwrap();
    let anonymous = ServiceClient::builder(site.base_url())
        .ca_file(ca_file)
        .build()
        .unwrap();
    let made = json!({"name": "ann", "do": "make"});
    anonymous.post("/accounts/", &made).await.unwrap();
    for login in [
        SessionAuth::new("/api-auth/login/", "ann", SECRET),
        SessionAuth::new("/json/login/", "ann", SECRET).json(),
    ] {
        let client = anonymous.with_login(login).unwrap();
        let mut row = labels(&client, "session")
            .create(&json!({"name": "safe"}))
            .await
            .unwrap();
        row.delete().await.unwrap();
    }
}

#[test]
fn a_blocking_client_logs_in_too() {
    let account = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(Account::new());
    for (way, login, counted) in account.logins() {
        let client = django_api_orm::blocking::ServiceClient::builder(SITE.base_url());
        let client = client.login(login).build().unwrap();
        let rows = client.objects::<Label>().at(&format!("/{way}/labels/"));
        assert_eq!(rows.count().unwrap(), 30, "{way} {counted}");
    }
}
