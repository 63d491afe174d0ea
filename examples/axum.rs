//! A web service in front of an API: the client lives in the application's state, and every request is answered with its own
//! caller's credentials. Makes two requests to itself and ends.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{FromRef, FromRequestParts, Path, State},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use django_api_orm::{ErrorKind, prelude::*};
use django_api_orm_testserver::TestServer;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/")]
struct User {
    id: Option<i64>,
    name: String,
    email: String,
    active: bool,
}

/// The client of this request: the connections of the service, the token of the caller.
struct Caller(ServiceClient);

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    ServiceClient: FromRef<S>,
{
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, StatusCode> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .filter(|token| !token.is_empty())
            .ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(Self(ServiceClient::from_ref(state).with_token(token)))
    }
}

/// What went wrong at the API, as an answer of ours. The details are for the log: callers do not need the API's address.
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, text) = match self.0.kind() {
            ErrorKind::DoesNotExist => (StatusCode::NOT_FOUND, "there is no such row"),
            ErrorKind::Authentication => (
                StatusCode::UNAUTHORIZED,
                "the API does not accept the token",
            ),
            _ => {
                eprintln!("error: {}", self.0);
                (
                    StatusCode::BAD_GATEWAY,
                    "the API does not answer as it should",
                )
            }
        };
        (status, text).into_response()
    }
}

async fn user(Caller(client): Caller, Path(id): Path<i64>) -> Result<Json<User>, Failure> {
    let user = client.objects::<User>().get(User::F.id.eq(id)).await?;
    Ok(Json(Instance::into_inner(user)))
}

async fn whoami(Caller(client): Caller) -> Result<Json<serde_json::Value>, Failure> {
    Ok(Json(client.get("/api/v1/whoami/").await?.json()?))
}

async fn stats(State(client): State<ServiceClient>) -> String {
    format!(
        "{} requests over {} connection(s)",
        client.stats().requests,
        client.stats().connections
    )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api = TestServer::reference().await?;
    // No token of its own. The deadline is for a whole call, retries included: less than the callers of this service wait.
    let client = ServiceClient::builder(api.base_url())
        .timeout(Duration::from_secs(15))
        .build()?;
    let app = Router::new()
        .route("/users/{id}", get(user))
        .route("/whoami", get(whoami))
        .route("/stats", get(stats))
        .with_state(client);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let service = tokio::spawn(async { axum::serve(listener, app).await });

    for token in ["user-token-1", "user-token-2"] {
        let visitor = ServiceClient::builder(&address).bearer(token).build()?;
        let me: serde_json::Value = visitor.get("/whoami").await?.json()?;
        let user: User = visitor.get("/users/1").await?.json()?;
        println!("{} reads {}", me["token"], user.name);
        assert_eq!(me["token"], token);
        match visitor.get("/users/999999").await {
            Err(error) => println!("    and nobody else: {error}"),
            Ok(answer) => return Err(format!("unexpected: {}", answer.status()).into()),
        }
    }
    let nobody = ServiceClient::new(&address)?;
    match nobody.get("/whoami").await {
        Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => {
            println!("without a token: refused");
        }
        other => return Err(format!("unexpected: {other:?}").into()),
    }
    service.abort();
    Ok(())
}
