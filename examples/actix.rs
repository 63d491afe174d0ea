//! The client in an actix-web application. Makes two requests to itself and ends.

use actix_web::{App, HttpResponse, HttpServer, ResponseError, http::StatusCode, web};
use django_api_orm::prelude::*;
use django_api_orm_testserver::TestServer;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/articles/", lookup_field = "slug")]
struct Article {
    id: Option<i64>,
    slug: String,
    title: String,
}

#[derive(Debug)]
struct Failure(Error);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        if self.0.is_does_not_exist() {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::BAD_GATEWAY
        }
    }
}

async fn article(
    client: web::Data<ServiceClient>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Failure> {
    let articles = client.objects::<Article>();
    let article = articles
        .get(Article::F.slug.eq(slug.into_inner()))
        .await
        .map_err(Failure)?;
    Ok(HttpResponse::Ok().json(&article))
}

async fn titles(client: web::Data<ServiceClient>) -> Result<HttpResponse, Failure> {
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
    let client = ServiceClient::builder(api.base_url())
        .auth_token("test-token")
        .build()?;
    let slug = client
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

    let visitor = ServiceClient::new(&address)?;
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
