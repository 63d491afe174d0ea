//! Redirects: where a response sends the client, and whether it goes there.

use django_api_orm_core::Error;
use django_api_orm_core::error::ErrorKind;
use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use url::Url;

use super::base_url::BaseUrl;

/// How many redirects one call follows.
pub(super) const MAX_HOPS: u32 = 5;

/// Whether the status tells the client to go elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

/// The URL to send the same request to, after a redirect that may be followed: on the same origin, and for
/// writes only where the method is kept. `stays`: only to a path that ends in the same segment.
///
/// The error says why the redirect is not followed.
pub(super) fn target(
    base: &BaseUrl,
    method: &Method,
    from: &Uri,
    status: StatusCode,
    headers: &HeaderMap,
    stays: bool,
) -> Result<Uri, Error> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Redirect, why));
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let resolved = location.and_then(|location| {
        let from = Url::parse(&from.to_string()).ok()?;
        let mut to = from.join(location).ok()?;
        to.set_fragment(None);
        Some((from, to))
    });
    let Some((from, to)) = resolved else {
        return refuse("the server redirects without saying where".to_owned());
    };
    let here = from.origin().ascii_serialization();
    let there = to.origin().ascii_serialization();
    if here != there
        || here != base.origin()
        || !to.username().is_empty()
        || to.password().is_some()
    {
        let hint = if to.scheme() == "https" && from.scheme() == "http" && to.host() == from.host()
        {
            format!("; set `base_url` to {there}")
        } else {
            String::new()
        };
        return refuse(format!(
            "the server redirects from {here} to {there}; credentials are sent to no other origin{hint}"
        ));
    }
    let may_follow = match status.as_u16() {
        301..=303 => method.is_safe(),
        307 | 308 => true,
        _ => false,
    };
    if !may_follow {
        return refuse(why_not(method, status, from.path(), to.path()));
    }
    if stays && last_segment(&from) != last_segment(&to) {
        return refuse(elsewhere(method, to.path()));
    }
    to.as_str().parse().map_err(|_| {
        Error::new(
            ErrorKind::Redirect,
            "the server redirects to an invalid URL",
        )
    })
}

/// What the path ends in, but for a slash.
fn last_segment(url: &Url) -> Option<Vec<u8>> {
    let mut segments = url.path_segments()?;
    let last = segments.rfind(|segment| !segment.is_empty())?;
    Some(percent_decode_str(last).collect())
}

fn elsewhere(method: &Method, to: &str) -> String {
    let to = to.to_lowercase();
    let is_login = ["login", "log-in", "signin", "sign-in", "sso", "auth"]
        .iter()
        .any(|word| to.contains(word));
    let cure = if is_login {
        "it looks like a sign-in page: check that the credentials are sent and accepted"
    } else {
        "check the endpoint's path"
    };
    format!(
        "the {method} was not carried out: the server redirects it to another path than that of the rows; {cure}"
    )
}

/// Whether a redirect to the same path with a slash more or less at its end, which is given before a program sees the request.
pub(super) fn is_about_slash(from: &Uri, headers: &HeaderMap) -> bool {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let from = Url::parse(&from.to_string()).ok();
    let to = from
        .as_ref()
        .zip(location)
        .and_then(|(from, to)| from.join(to).ok());
    from.zip(to).is_some_and(|(from, to)| {
        from.origin() == to.origin()
            && from.path() != to.path()
            && from.path().trim_end_matches('/') == to.path().trim_end_matches('/')
    })
}

fn why_not(method: &Method, status: StatusCode, from: &str, to: &str) -> String {
    if to.strip_suffix('/') == Some(from) {
        return format!(
            "the trailing slash is missing: the server wants the path with a \"/\" at its end, and \
             following its redirect would turn the {method} into a GET"
        );
    }
    if from.strip_suffix('/') == Some(to) {
        return format!(
            "there is a trailing slash too many: the server wants the path without a \"/\" at its end, and \
             following its redirect would turn the {method} into a GET"
        );
    }
    format!(
        "a redirect with status {} would turn the {method} into a GET",
        status.as_u16()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn follow(method: &Method, status: u16, location: &str) -> Result<String, String> {
        let base = BaseUrl::parse("https://api.example.com/v1").unwrap();
        let from = Uri::from_static("https://api.example.com/v1/users?page=2");
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        target(&base, method, &from, status, &headers, false)
            .map(|uri| uri.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn reads_follow_on_the_same_origin() {
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(
                follow(&Method::GET, status, "/v1/users/?page=2#top").unwrap(),
                "https://api.example.com/v1/users/?page=2"
            );
        }
        assert_eq!(
            follow(&Method::HEAD, 301, "https://API.example.com:443/x").unwrap(),
            "https://api.example.com/x"
        );
        assert!(follow(&Method::GET, 300, "/v1/users/").is_err());
        assert!(follow(&Method::GET, 305, "/v1/users/").is_err());
    }

    #[test]
    fn writes_follow_only_where_the_method_is_kept() {
        for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
            for status in [301, 302, 303] {
                let why = follow(&method, status, "/v1/users/").unwrap_err();
                assert!(why.contains("trailing slash is missing"), "{why}");
            }
            for status in [307, 308] {
                assert!(follow(&method, status, "/v1/users/").is_ok());
            }
        }
        let why = follow(&Method::POST, 302, "/login").unwrap_err();
        assert!(why.contains("would turn the POST into a GET"), "{why}");
    }

    #[test]
    fn no_other_origin_is_visited() {
        for location in [
            "https://evil.example/",
            "//evil.example/",
            "http://api.example.com/v1/users/",
            "https://api.example.com:444/",
            "https://user@api.example.com/",
            "https://api.example.com.evil.example/",
            "\\\\evil.example/",
            "javascript:alert(1)",
            "data:text/plain,x",
        ] {
            for (method, status) in [(Method::GET, 302), (Method::POST, 307)] {
                let followed = follow(&method, status, location);
                assert!(followed.is_err(), "{location} led to {followed:?}");
            }
        }
    }

    #[test]
    fn what_stays_goes_only_where_the_same_thing_has_moved() {
        let base = BaseUrl::parse("https://api.example.com/v1").unwrap();
        let from = Uri::from_static("https://api.example.com/v1/users/a%20b");
        for (location, follows) in [
            ("/v1/users/a%20b/", true),
            ("/v2/people/a%20b", true),
            ("/v1/users/", false),
            ("/login/?next=/v1/users/a%20b/", false),
            ("/", false),
        ] {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            let status = StatusCode::PERMANENT_REDIRECT;
            let to = target(&base, &Method::PATCH, &from, status, &headers, true);
            assert_eq!(to.is_ok(), follows, "{location}");
            if let Err(error) = to {
                let shown = error.to_string();
                assert_eq!(
                    shown.contains("sign-in page"),
                    location.contains("login"),
                    "{shown}"
                );
            }
        }
    }

    #[test]
    fn an_upgrade_is_explained() {
        let base = BaseUrl::parse("http://api.example.com").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            LOCATION,
            HeaderValue::from_static("https://api.example.com/x"),
        );
        let from = Uri::from_static("http://api.example.com/x");
        let error = target(
            &base,
            &Method::GET,
            &from,
            StatusCode::MOVED_PERMANENTLY,
            &headers,
            false,
        )
        .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("set `base_url` to https://api.example.com")
        );
    }
}
