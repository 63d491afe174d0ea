//! The client in an actix-web application: one for the application, and every request is answered with its own caller's
//! credentials. Makes a few requests to itself and ends.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse, HttpServer, ResponseError,
    dev::Payload,
    error::{ErrorInternalServerError, ErrorUnauthorized},
    http::{StatusCode, header::AUTHORIZATION},
    web,
};
use django_api_orm::{ErrorKind, prelude::*};
use django_api_orm_testserver::TestServer;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/articles/", lookup_field = "slug")]
struct Article {
    id: Option<i64>,
    slug: String,
    title: String,
}

/// The client of this request: the connections of the application, the token of the caller. A caller without one gets none of
/// the service's.
struct Caller(ServiceClient);

impl FromRequest for Caller {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .filter(|token| !token.is_empty())
            .ok_or_else(|| ErrorUnauthorized("a bearer token is missing"));
        let client = request
            .app_data::<web::Data<ServiceClient>>()
            .ok_or_else(|| ErrorInternalServerError("no client"));
        ready(token.and_then(|token| Ok(Self(client?.with_token(token)))))
    }
}

/// What went wrong at the API, as an answer of ours. The details are for the log: callers do not need the API's address.
#[derive(Debug)]
struct Failure(Error);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0.kind() {
            ErrorKind::DoesNotExist => "there is no such article",
            ErrorKind::Authentication => "the API does not accept the token",
            _ => "the API does not answer as it should",
        })
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self.0.kind() {
            ErrorKind::DoesNotExist => StatusCode::NOT_FOUND,
            ErrorKind::Authentication => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if self.status_code() == StatusCode::BAD_GATEWAY {
            eprintln!("error: {}", self.0);
        }
        HttpResponse::build(self.status_code()).body(self.to_string())
    }
}

async fn article(Caller(client): Caller, slug: web::Path<String>) -> Result<HttpResponse, Failure> {
    let articles = client.objects::<Article>();
    let article = articles
        .get(Article::F.slug.eq(slug.into_inner()))
        .await
        .map_err(Failure)?;
    Ok(HttpResponse::Ok().json(&article))
}

async fn titles(Caller(client): Caller) -> Result<HttpResponse, Failure> {
    let titles = client
        .objects::<Article>()
        .order_by([Article::F.slug])
        .limit(3)
        .values_list(Article::F.title)
        .await;
    Ok(HttpResponse::Ok().json(titles.map_err(Failure)?))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api = TestServer::reference().await?;
    // No token of its own. The deadline is for a whole call, retries included: less than the callers of this service wait.
    let client = ServiceClient::builder(api.base_url())
        .timeout(Duration::from_secs(15))
        .build()?;
    let slug = client
        .with_token("user-token-1")
        .objects::<Article>()
        .first()
        .await?
        .map(|article| article.slug.clone())
        .unwrap_or_default();

    let data = web::Data::new(client);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/articles", web::get().to(titles))
            .route("/articles/{slug}", web::get().to(article))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")?;
    let address = server
        .addrs()
        .first()
        .map(|address| format!("http://{address}"))
        .ok_or("no address")?;
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);

    match ServiceClient::new(&address)?.get("/articles").await {
        Err(error) if error.status().is_some_and(|status| status == 401) => {
            println!("without a token: refused");
        }
        Err(error) => return Err(error.into()),
        Ok(answer) => return Err(format!("unexpected: {}", answer.status()).into()),
    }
    let visitor = ServiceClient::builder(&address)
        .bearer("user-token-1")
        .build()?;
    let titles: Vec<String> = visitor.get("/articles").await?.json()?;
    println!("the first titles: {}", titles.join(", "));
    let article: Article = visitor.get(&format!("/articles/{slug}")).await?.json()?;
    println!("{}: {}", article.slug, article.title);
    match visitor.get("/articles/nothing-of-the-kind").await {
        Err(error) => println!("missing: {error}"),
        Ok(answer) => return Err(format!("unexpected: {}", answer.status()).into()),
    }
    handle.stop(false).await;
    Ok(())
}
