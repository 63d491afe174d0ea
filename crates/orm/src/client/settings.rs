//! The one table of a client's settings: names, types, defaults and texts. The setters of both builders come from it, and
//! so do the settings that other languages see.
//!
//! A row reads: the text; name(argument): how it is kept = default, the default in words => how the argument is kept.

use std::{path::PathBuf, time::Duration};

use django_api_orm_core::{
    Error, NullOrder, OnConflict, OnDrift, OnIgnored, OnNPlusOne, OnUnsaved, Policy, Result,
};
use secrecy::SecretString;

use super::{RateLimit, ServiceClientBuilder};

/// Calls a macro with every row of the table.
macro_rules! with_settings {
    ($callback:ident) => {
        $callback! {
            /// The `User-Agent`.
            user_agent(agent: impl Into<String>): String
                = concat!("django-api-orm/", env!("CARGO_PKG_VERSION")).to_owned(), "the name and version of this crate"
                => set agent.into();
            /// The time for a whole call, with its retries and waits.
            timeout(time: std::time::Duration): Duration = Duration::from_secs(60), "60 s" => set time;
            /// The time to open a connection: name resolution, TCP and TLS.
            connect_timeout(time: std::time::Duration): Duration = Duration::from_secs(5), "5 s" => set time;
            /// The time for one attempt, from the beginning to the last byte of the response.
            attempt_timeout(time: std::time::Duration): Duration = Duration::from_secs(30), "30 s" => set time;
            /// How often a request is sent again at most.
            max_retries(retries: u32): u32 = 3, "3" => set retries;
            /// The bound of the first random wait before a request is sent again; it doubles up to 20 s.
            retry_delay(delay: std::time::Duration): Duration = Duration::from_millis(200), "200 ms" => set delay;
            /// The header in which the server takes an idempotency key, such as `Idempotency-Key`. Every write then carries a new
            /// key, the same in each attempt, and is sent again whatever its method: declare it only for a server that does a
            /// write of one key once.
            idempotency_header(name: impl Into<String>): Option<String> = None, "none" => set Some(name.into());
            /// Whether the server's certificate is checked. Without it anybody on the way can read and change everything,
            /// credentials included.
            verify_ssl(verify: bool): bool = true, "true" => set verify;
            /// A PEM file of further CA certificates to trust, read when the client is built. May be given several times.
            ca_file(path: impl AsRef<std::path::Path>): Vec<PathBuf> = Vec::new(), "none" => push path.as_ref().to_owned();
            /// Whether the CA certificates of the system are trusted. They come from the usual places, or from
            /// `SSL_CERT_FILE` and `SSL_CERT_DIR`.
            platform_roots(trust: bool): bool = true, "true" => set trust;
            /// A PEM file with the client's own certificate chain, for servers that ask for one, and its key unless that has a
            /// file of its own. Read when the client is built.
            client_certificate_file(path: impl AsRef<std::path::Path>): Option<PathBuf> = None, "none"
                => set Some(path.as_ref().to_owned());
            /// A PEM file with the key of the client's certificate.
            client_key_file(path: impl AsRef<std::path::Path>): Option<PathBuf> = None, "in the file of the certificate"
                => set Some(path.as_ref().to_owned());
            /// The path of a Unix socket that is connected to in the place of the base URL's host. No proxy is used then.
            unix_socket(path: impl AsRef<std::path::Path>): Option<PathBuf> = None, "none" => set Some(path.as_ref().to_owned());
            /// A proxy for all requests: http, https or socks5. User and password may be part of the URL.
            proxy(url: impl Into<String>): Option<SecretString> = None, "none" => set Some(SecretString::from(url.into()));
            /// Whether `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are obeyed, where no `proxy` is given.
            proxy_from_env(obey: bool): bool = false, "false" => set obey;
            /// Whether compressed responses (gzip, brotli, zstd) are asked for.
            compression(compression: bool): bool = true, "true" => set compression;
            /// How many connections are open at most.
            ///
            /// With HTTP/1.1 that is also how many requests are under way at most; further ones wait their turn, within
            /// their time. Requests over HTTP/2 share a connection and do not wait.
            max_connections(connections: usize): usize = 100, "100" => set connections;
            /// How many requests are under way at most, over all connections and whatever HTTP is spoken; further ones wait
            /// their turn, within their time.
            max_concurrent_requests(requests: usize): Option<usize> = None, "none" => set Some(requests);
            /// How many requests are sent in a time at most: rates as throttles of Django REST Framework have them, such as
            /// `60/min` or `10/second, 1000/day`. It holds for all clients that share the connections of this one, for retries
            /// and redirects too. Further requests wait their turn within their time; one whose turn comes after that fails
            /// at once with a `Throttled` error, and is not sent.
            rate_limit(limit: crate::client::RateLimit): Option<RateLimit> = None, "none" => set Some(limit);
            /// How many idle connections are kept for later requests; the one used last is used first.
            max_keepalive_connections(connections: usize): Option<usize> = None, "as many as may be open" => set Some(connections);
            /// How long an idle connection is kept: less than the idle timeouts of common servers (gunicorn closes after
            /// 2 s, uvicorn after 5 s), so that the client is mostly the first to close.
            keepalive_timeout(time: std::time::Duration): Duration = Duration::from_secs(4), "4 s" => set time;
            /// Whether HTTP/2 is offered to the server in the TLS handshake. Over plain http the client speaks HTTP/1.1 all
            /// the same.
            http2(http2: bool): bool = false, "false" => set http2;
            /// Whether HTTP/2 is spoken without asking, also over plain http. A server that does not speak it cannot be
            /// reached then.
            http2_prior_knowledge(http2: bool): bool = false, "false" => set http2;
            /// Whether redirects on the same origin are followed, for writes only 307 and 308. Where they are not, a
            /// redirect is an error.
            follow_redirects(follow: bool): bool = true, "true" => set follow;
            /// The largest response in bytes, decompressed. Of error responses 1 MiB is kept.
            max_response_size(bytes: usize): usize = 64 * 1024 * 1024, "64 MiB" => set bytes;
            /// What happens when the server ignores a filter, an ordering, a limit or an offset.
            on_ignored(on_ignored: crate::OnIgnored): OnIgnored
                = OnIgnored::default(), "the query is finished client-side, with a warning" => set on_ignored;
            /// What happens when the data moves during a walk over pages.
            on_drift(on_drift: crate::OnDrift): OnDrift = OnDrift::default(), "a warning" => set on_drift;
            /// What happens when the answer to a write shows that the server did not keep a value that it was sent.
            on_unsaved(on_unsaved: crate::OnUnsaved): OnUnsaved = OnUnsaved::default(), "an error" => set on_unsaved;
            /// What happens when a relation is asked for on one of many rows that were read together, and was not read with them.
            on_n_plus_one(on_n_plus_one: crate::OnNPlusOne): OnNPlusOne
                = OnNPlusOne::default(), "it is read for all of them at once" => set on_n_plus_one;
            /// The most rows that one query reads when a part of it is evaluated client-side.
            max_scan(rows: u64): u64 = Policy::default().max_scan, "100,000" => set rows;
            /// Rows asked for in a page, where the paginator allows it.
            page_size(rows: u64): Option<u64> = Policy::default().page_size, "the server's own" => set Some(rows.max(1));
            /// Pages read ahead at the same time, where the server counts its rows; 1 reads one page after the other. So many
            /// pages are held in memory at most.
            read_ahead(pages: usize): usize = Policy::default().read_ahead, "4" => set pages.max(1);
            /// Where nulls stand when rows are sorted client-side.
            nulls(nulls: crate::NullOrder): NullOrder = NullOrder::default(), "before every value" => set nulls;
            /// The server's name for the ordering parameter: DRF's `ORDERING_PARAM`.
            ordering_parameter(name: impl Into<String>): Option<String> = None, "`ordering`, or as the dialect says"
                => set Some(name.into());
            /// The server's name for the search parameter: DRF's `SEARCH_PARAM`.
            search_parameter(name: impl Into<String>): Option<String> = None, "`search`, or as the dialect says"
                => set Some(name.into());
        }
    };
}
pub(crate) use with_settings;

/// What a row of the table describes, for front doors in other languages.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The name, the same in every language.
    pub name: &'static str,
    /// What a value has to be.
    pub kind: SettingKind,
    /// What holds if nothing is said; `None` where that is not a single value.
    pub default: Option<SettingValue>,
    /// The default in words.
    pub default_text: &'static str,
    /// What the setting does.
    pub text: &'static str,
}

/// What a value of a setting has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// Yes or no.
    Flag,
    /// A time.
    Seconds,
    /// A number that is not negative.
    Integer,
    /// Text.
    Text,
    /// Rates, as text: `60/min`.
    Rate,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A value of a setting that is known by its name only.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingValue {
    /// For [`SettingKind::Flag`].
    Flag(bool),
    /// For [`SettingKind::Seconds`].
    Seconds(f64),
    /// For [`SettingKind::Integer`].
    Integer(i64),
    /// For [`SettingKind::Text`], [`SettingKind::Rate`] and [`SettingKind::Word`].
    Text(String),
}

/// A type that a setting may have.
pub(super) trait Kept {
    /// What a setter takes.
    type Given;
    const KIND: SettingKind;
    /// The value as the setter takes it; `None` if it is of another type or out of range.
    fn read(value: SettingValue) -> Option<Self::Given>;
    /// The value as other languages see it.
    fn show(&self) -> Option<SettingValue>;
}

/// What the setter `name` takes.
pub(super) fn given<T: Kept>(name: &str, value: SettingValue) -> Result<T::Given> {
    T::read(value).ok_or_else(|| {
        let wanted = match T::KIND {
            SettingKind::Flag => "must be true or false".to_owned(),
            SettingKind::Seconds => "must be a number of seconds that is not negative".to_owned(),
            SettingKind::Integer => {
                "must be a number that is not negative and not too large".to_owned()
            }
            SettingKind::Text => "must be text".to_owned(),
            SettingKind::Rate => {
                "must be rates such as `60/min` or `10/second, 1000/day`".to_owned()
            }
            SettingKind::Word(words) => format!("must be one of {words:?}"),
        };
        Error::configuration(format!("`{name}` {wanted}"))
    })
}

impl Kept for bool {
    type Given = Self;
    const KIND: SettingKind = SettingKind::Flag;

    fn read(value: SettingValue) -> Option<Self> {
        match value {
            SettingValue::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    fn show(&self) -> Option<SettingValue> {
        Some(SettingValue::Flag(*self))
    }
}

impl Kept for Duration {
    type Given = Self;
    const KIND: SettingKind = SettingKind::Seconds;

    fn read(value: SettingValue) -> Option<Self> {
        match value {
            SettingValue::Seconds(seconds) => Self::try_from_secs_f64(seconds).ok(),
            _ => None,
        }
    }

    fn show(&self) -> Option<SettingValue> {
        Some(SettingValue::Seconds(self.as_secs_f64()))
    }
}

macro_rules! integers {
    ($($integer:ty),+) => {$(
        impl Kept for $integer {
            type Given = Self;
            const KIND: SettingKind = SettingKind::Integer;

            fn read(value: SettingValue) -> Option<Self> {
                match value {
                    SettingValue::Integer(number) => number.try_into().ok(),
                    _ => None,
                }
            }

            fn show(&self) -> Option<SettingValue> {
                Some(SettingValue::Integer((*self).try_into().ok()?))
            }
        }
    )+};
}
integers!(u32, u64, usize);

fn text(value: SettingValue) -> Option<String> {
    match value {
        SettingValue::Text(text) => Some(text),
        _ => None,
    }
}

impl Kept for String {
    type Given = Self;
    const KIND: SettingKind = SettingKind::Text;

    fn read(value: SettingValue) -> Option<Self> {
        text(value)
    }

    fn show(&self) -> Option<SettingValue> {
        Some(SettingValue::Text(self.clone()))
    }
}

impl Kept for SecretString {
    type Given = String;
    const KIND: SettingKind = SettingKind::Text;

    fn read(value: SettingValue) -> Option<String> {
        text(value)
    }

    /// Nobody is shown a secret.
    fn show(&self) -> Option<SettingValue> {
        None
    }
}

impl Kept for PathBuf {
    type Given = String;
    const KIND: SettingKind = SettingKind::Text;

    fn read(value: SettingValue) -> Option<String> {
        text(value)
    }

    fn show(&self) -> Option<SettingValue> {
        Some(SettingValue::Text(self.display().to_string()))
    }
}

impl Kept for Vec<PathBuf> {
    type Given = String;
    const KIND: SettingKind = SettingKind::Text;

    fn read(value: SettingValue) -> Option<String> {
        text(value)
    }

    /// There may be several.
    fn show(&self) -> Option<SettingValue> {
        None
    }
}

impl Kept for RateLimit {
    type Given = Self;
    const KIND: SettingKind = SettingKind::Rate;

    fn read(value: SettingValue) -> Option<Self> {
        text(value)?.parse().ok()
    }

    fn show(&self) -> Option<SettingValue> {
        Some(SettingValue::Text(self.to_string()))
    }
}

impl<T: Kept> Kept for Option<T> {
    type Given = T::Given;
    const KIND: SettingKind = T::KIND;

    fn read(value: SettingValue) -> Option<T::Given> {
        T::read(value)
    }

    fn show(&self) -> Option<SettingValue> {
        self.as_ref()?.show()
    }
}

/// A choice that other languages name by a word.
pub trait Choice: Sized {
    /// The choice that a word names.
    ///
    /// # Errors
    /// `Configuration` for another word; `name` is what the caller calls the choice.
    fn named(name: &str, word: &str) -> Result<Self>;
}

macro_rules! choices {
    ($($choice:ident { $($variant:ident = $word:literal),+ })+) => {$(
        impl Choice for $choice {
            fn named(name: &str, word: &str) -> Result<Self> {
                given::<Self>(name, SettingValue::Text(word.to_owned()))
            }
        }

        impl Kept for $choice {
            type Given = Self;
            const KIND: SettingKind = SettingKind::Word(&[$($word),+]);

            fn read(value: SettingValue) -> Option<Self> {
                match text(value)?.as_str() {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn show(&self) -> Option<SettingValue> {
                match self {
                    $(Self::$variant => Some(SettingValue::Text($word.to_owned())),)+
                    _ => None,
                }
            }
        }
    )+};
}
choices! {
    OnIgnored { Local = "local", Error = "error", Trust = "trust" }
    OnConflict { Error = "error", Merge = "merge" }
    OnDrift { Warn = "warn", Error = "error", Ignore = "ignore" }
    OnUnsaved { Error = "error", Warn = "warn", Ignore = "ignore" }
    OnNPlusOne { Batch = "batch", Warn = "warn", Error = "error" }
    NullOrder { Smallest = "smallest", Largest = "largest" }
}

/// Makes what a client keeps of its settings, the setters of its builder, and the description of both.
macro_rules! define {
    (@keep $place:expr, set $value:expr) => { $place = $value };
    (@keep $place:expr, push $value:expr) => { $place.push($value) };
    ($(
        $(#[doc = $text:literal])+
        $name:ident($argument:ident: $given:ty): $kept:ty = $default:expr, $default_text:literal => $how:ident $value:expr;
    )+) => {
        /// What was set, or the defaults.
        #[derive(Clone)]
        pub(super) struct Settings {
            $(pub(super) $name: $kept,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl ServiceClientBuilder {
            $(
                $(#[doc = $text])+
                #[doc = ""]
                #[doc = concat!("Default: ", $default_text, ".")]
                pub fn $name(mut self, $argument: $given) -> Self {
                    define!(@keep self.settings.$name, $how $value);
                    self
                }
            )+

            /// Sets what other languages know by its name.
            ///
            /// # Errors
            /// `Configuration` for a name that there is not, or a value that the setting cannot have.
            #[doc(hidden)]
            pub fn set(self, name: &str, value: SettingValue) -> Result<Self> {
                match name {
                    $(stringify!($name) => Ok(self.$name(given::<$kept>(name, value)?)),)+
                    _ => Err(Error::configuration(format!("there is no setting `{name}`"))),
                }
            }
        }

        /// Every setting, for front doors in other languages.
        #[must_use]
        pub fn settings() -> Vec<Setting> {
            let defaults = Settings::default();
            vec![$(Setting {
                name: stringify!($name),
                kind: <$kept as Kept>::KIND,
                default: defaults.$name.show(),
                default_text: $default_text,
                text: concat!($($text, "\n"),+),
            },)+]
        }
    };
}

with_settings!(define);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::base_url::in_words;

    /// The words for a default that can be computed from it.
    fn computed(setting: &Setting) -> Option<String> {
        Some(match (setting.default.as_ref()?, setting.kind) {
            (SettingValue::Flag(flag), _) => flag.to_string(),
            (SettingValue::Seconds(seconds), _) => in_words(Duration::from_secs_f64(*seconds)),
            (SettingValue::Integer(100_000), _) => "100,000".to_owned(),
            (SettingValue::Integer(bytes), _) if bytes % (1024 * 1024) == 0 => {
                format!("{} MiB", bytes / 1024 / 1024)
            }
            (SettingValue::Integer(number), _) => number.to_string(),
            (SettingValue::Text(_), _) => return None,
        })
    }

    #[test]
    fn every_setting_says_what_it_does_and_what_holds_otherwise() {
        let all = settings();
        for setting in &all {
            assert!(setting.text.trim().ends_with('.'), "{}", setting.name);
            if let Some(computed) = computed(setting) {
                assert_eq!(computed, setting.default_text, "{}", setting.name);
            }
        }
        let names: std::collections::HashSet<_> = all.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn a_setting_can_be_set_by_its_name() {
        for setting in settings() {
            let (good, bad) = match setting.kind {
                SettingKind::Flag => (SettingValue::Flag(true), SettingValue::Integer(1)),
                SettingKind::Seconds => (SettingValue::Seconds(1.5), SettingValue::Seconds(-1.0)),
                SettingKind::Integer => (SettingValue::Integer(7), SettingValue::Integer(-1)),
                SettingKind::Text => (SettingValue::Text("x".into()), SettingValue::Flag(true)),
                SettingKind::Rate => (
                    SettingValue::Text("60/min, 1000/day".into()),
                    SettingValue::Text("60/month".into()),
                ),
                SettingKind::Word(words) => (
                    SettingValue::Text(words[0].to_owned()),
                    SettingValue::Text("neither".into()),
                ),
            };
            let builder = || ServiceClientBuilder::new("https://api.test");
            let _ = builder().set(setting.name, good).unwrap();
            let error = builder().set(setting.name, bad).unwrap_err();
            let shown = error.to_string();
            assert!(
                error.is_configuration()
                    && shown.starts_with(&format!("`{}` must be ", setting.name)),
                "{shown}"
            );
        }
        let error = ServiceClientBuilder::new("https://api.test")
            .set("timeuot", SettingValue::Flag(true))
            .unwrap_err();
        assert_eq!(error.to_string(), "there is no setting `timeuot`");
    }
}
