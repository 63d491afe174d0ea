//! What a failed attempt means: could the server have seen the request?
//!
//! The facts come from hyper. Its pool attaches the connection to an error only once a request was
//! handed to one; an error without it comes from before. A request that hyper still holds when the connection goes
//! away is reported as canceled. HTTP/2 servers say which streams they never looked at.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use django_api_orm_core::Error;
use django_api_orm_core::error::{ErrorKind, excerpt};
use django_api_orm_core::retry::AttemptClass;
use http::StatusCode;
use hyper_util::client::legacy;

use super::base_url::in_words;
use super::connector::{BoxError, ConnectTimeout};
use super::layer::Refused;
use super::rest::ClosedAfterRest;

/// An attempt that brought no complete response.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) class: AttemptClass,
    pub(super) error: Error,
}

impl Failure {
    /// Whether the connection was to blame, which had been used before: another one may do.
    pub(super) fn is_of_rested_connection(&self) -> bool {
        find::<ClosedAfterRest>(&self.error).is_some()
    }

    /// The request could not be handed over, or no response head came. `was_sent` says whether it had been handed to a
    /// connection.
    pub(super) fn of_request(error: BoxError, was_sent: bool) -> Self {
        match error.downcast::<legacy::Error>() {
            Ok(error) => Self::of_connection(*error),
            Err(error) => Self::of_layer(error, was_sent),
        }
    }

    /// A layer of the user's failed, or the client refused what it made of the request.
    fn of_layer(error: BoxError, was_sent: bool) -> Self {
        if let Some(Refused(why)) = find::<Refused>(error.as_ref()) {
            let error = Error::invalid_request(*why);
            return Self {
                class: AttemptClass::Never,
                error,
            };
        }
        let cause = root_cause(error.as_ref());
        if was_sent {
            let message =
                format!("a layer of the client failed after the request was sent: {cause}");
            let error = Error::new(ErrorKind::Connect, message).with_source(error);
            return Self {
                class: AttemptClass::Ambiguous,
                error,
            };
        }
        let message = format!("a layer of the client failed, so the request was not sent: {cause}");
        Self {
            class: AttemptClass::Never,
            error: Error::invalid_request(message).with_source(error),
        }
    }

    fn of_connection(error: legacy::Error) -> Self {
        if let Some(cause) = find::<rustls::Error>(&error)
            && (error.connect_info().is_none() || is_refusal(cause))
        {
            return Self::of_tls(cause.clone());
        }
        if let Some(timeout) = find::<ConnectTimeout>(&error) {
            let error = Error::new(ErrorKind::Timeout, timeout.to_string());
            return Self {
                class: AttemptClass::NotSent,
                error,
            };
        }
        if error.is_connect() || error.connect_info().is_none() {
            let hint = if closed_in_handshake(&error) {
                "; if the server does not speak TLS on this port, write http:// in `base_url`"
            } else {
                ""
            };
            let message = format!("cannot connect: {}{hint}", root_cause(&error));
            let error = Error::new(ErrorKind::Connect, message).with_source(error);
            return Self {
                class: AttemptClass::NotSent,
                error,
            };
        }
        let class = if was_not_seen(&error) {
            AttemptClass::NotSent
        } else {
            AttemptClass::Ambiguous
        };
        let (kind, message) = match find::<hyper::Error>(&error) {
            Some(cause) if cause.is_parse() => (
                ErrorKind::Decode,
                "the server's answer is not HTTP: check the port in `base_url`, and whether the server expects https://"
                    .to_owned(),
            ),
            _ => (
                ErrorKind::Connect,
                format!(
                    "the connection broke before the response came: {}",
                    root_cause(&error)
                ),
            ),
        };
        Self {
            class,
            error: Error::new(kind, message).with_source(error),
        }
    }

    /// The head of the response came, its body did not come whole.
    pub(super) fn of_body(error: BoxError) -> Self {
        if find::<hyper::Error>(error.as_ref()).is_some() {
            let message = format!(
                "the connection broke while the response was read: {}",
                root_cause(error.as_ref())
            );
            let error = Error::new(ErrorKind::Connect, message).with_source(error);
            return Self {
                class: AttemptClass::Ambiguous,
                error,
            };
        }
        let error = Error::decode("the response cannot be decompressed").with_source(error);
        Self {
            class: AttemptClass::Never,
            error,
        }
    }

    /// The response is larger than the client allows.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the response is larger than the {limit} bytes allowed");
        Self {
            class: AttemptClass::Never,
            error: Error::new(ErrorKind::TooLarge, message),
        }
    }

    /// Time ran out. `was_sent` says whether the request had been handed to a connection.
    pub(super) fn timeout(limit: Duration, was_sent: bool) -> Self {
        let class = if was_sent {
            AttemptClass::Ambiguous
        } else {
            AttemptClass::NotSent
        };
        let what = if was_sent {
            "no complete response"
        } else {
            "the request could not be sent"
        };
        let message = format!("{what} within {}", in_words(limit));
        Self {
            class,
            error: Error::new(ErrorKind::Timeout, message),
        }
    }

    /// The status that the head of the response had.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self {
            class: self.class,
            error: self.error.with_status(status),
        }
    }

    fn of_tls(cause: rustls::Error) -> Self {
        let message = match &cause {
            rustls::Error::InvalidCertificate(why) => {
                format!("the server's certificate is not trusted: {why}")
            }
            rustls::Error::InvalidMessage(_) => {
                "the server (or the proxy) does not speak TLS on this port: write http:// in `base_url`, or the port for https".to_owned()
            }
            other => format!("no secure connection: {other}"),
        };
        let error = Error::new(ErrorKind::Connect, excerpt(&message, 300))
            .with_retryable(false)
            .with_source(cause);
        Self {
            class: AttemptClass::Never,
            error,
        }
    }
}

/// A TLS 1.3 server refuses the client's certificate only after the client thinks that all is well.
fn is_refusal(error: &rustls::Error) -> bool {
    use rustls::AlertDescription as Alert;
    matches!(
        error,
        rustls::Error::AlertReceived(
            Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::HandshakeFailure
        )
    )
}

/// Whether it is certain that the server has not seen the request.
pub(super) fn was_not_sent(error: &legacy::Error) -> bool {
    error.is_connect() || error.connect_info().is_none() || was_not_seen(error)
}

/// Whether it is certain that the server did not look at a request that was handed to a connection.
fn was_not_seen(error: &legacy::Error) -> bool {
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_canceled) {
        return true;
    }
    find::<h2::Error>(error).is_some_and(|cause| {
        // The remote GOAWAY is reported only to streams above the last one that the server will process; those
        // below see the connection close.
        let is_refused = cause.reason() == Some(h2::Reason::REFUSED_STREAM);
        cause.is_remote() && (cause.is_go_away() || (cause.is_reset() && is_refused))
    })
}

/// The first error of type `E` in the chain.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref::<E>())
}

/// The error and what caused it, also inside I/O errors, which hide what they wrap.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}

/// Whether the server closed the connection within the TLS handshake.
fn closed_in_handshake(error: &legacy::Error) -> bool {
    error.is_connect()
        && causes(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::UnexpectedEof)
}

fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    excerpt(&error.to_string(), 200)
}
