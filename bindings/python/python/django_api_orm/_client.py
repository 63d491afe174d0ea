"""What both clients share: settings, credentials, and the engine's client."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from weakref import WeakKeyDictionary

from . import _engine
from ._declaring import nearest
from ._engine import Client, Endpoint, Operation
from ._hooks import hooks_of
from ._json import from_json, to_json
from ._provider import Provider
from ._telling import Telling
from .exceptions import ConfigurationError, DecodeError

if TYPE_CHECKING:
    from typing_extensions import Self, TypedDict, Unpack

    from ._engine import Model as EngineModel
    from ._hooks import OnRequest, OnResponse, OnRetry

    class ClientOptions(TypedDict, total=False):
        """The other settings of the engine's table, each optional. A test compares them with it."""

        connect_timeout: float
        attempt_timeout: float
        keepalive_timeout: float
        max_concurrent_requests: int
        rate_limit: str
        http2_prior_knowledge: bool
        platform_roots: bool
        client_certificate_file: str | os.PathLike[str]
        client_key_file: str | os.PathLike[str]
        unix_socket: str | os.PathLike[str]
        proxy_from_env: bool
        compression: bool
        max_response_size: int
        max_scan: int
        page_size: int
        read_ahead: int
        user_agent: str
        idempotency_header: str
        ordering_parameter: str
        search_parameter: str
        on_ignored: Literal["local", "error", "trust"]
        on_drift: Literal["warn", "error", "ignore"]
        on_unsaved: Literal["error", "warn", "ignore"]
        nulls: Literal["smallest", "largest"]


#: The settings that say which way requests go, and as whom.
_WAY = ("headers", "verify_ssl", "ca_file", "proxy", "client_certificate_file", "client_key_file", "unix_socket")
ON_N_PLUS_ONE = ("batch", "warn", "error")
_OPTIONS = frozenset(name for name, *_ in _engine.settings())


#: A key of this process: digests made with it can be compared within it, and looked up nowhere else.
_KEY = os.urandom(32)


def _digest(secret: Any) -> bytes:
    return hashlib.blake2b(json.dumps(secret).encode(), key=_KEY, digest_size=32).digest()


class Credential:
    """Who the requests of a client are sent as. Made by ``TokenAuth``, ``BearerAuth``, ``BasicAuth`` and ``HeaderAuth``, and by
    the logins ``JWTAuth``, ``SessionAuth`` and ``OAuth2ClientCredentials``; never shown by ``repr``.

    ``expires_in`` is for a token provider: the seconds for which the server accepts it, after which another one is fetched.
    """

    __slots__ = ("_expires_in", "_parts")

    def __init__(self, *parts: str, expires_in: float | None = None) -> None:
        self._parts = list(parts)
        self._expires_in = expires_in

    def __repr__(self) -> str:
        return f"<Credential {self._parts[0]}>"


def TokenAuth(token: str, *, expires_in: float | None = None) -> Credential:
    """``Authorization: Token ...``, as Django REST Framework's ``TokenAuthentication`` expects it. As ``auth_token=``."""
    return Credential("token", token, expires_in=expires_in)


def BearerAuth(token: str, *, expires_in: float | None = None) -> Credential:
    """``Authorization: Bearer ...``, for OAuth and JSON Web Tokens."""
    return Credential("bearer", token, expires_in=expires_in)


def BasicAuth(user: str, password: str) -> Credential:
    """``Authorization: Basic ...``. As ``auth=("user", "password")``."""
    return Credential("basic", user, password)


def HeaderAuth(name: str, value: str, *, expires_in: float | None = None) -> Credential:
    """A header of another name, such as ``X-API-Key``."""
    return Credential("header", name, value, expires_in=expires_in)


def _login(kind: str, url: str, user: str, secret: str, **options: str | None) -> Credential:
    """A login as the engine takes it: its options as names and values."""
    given = [text for name, value in options.items() if value is not None for text in (name, value)]
    return Credential(kind, url, user, secret, *given)


def JWTAuth(
    token_url: str,
    username: str,
    password: str,
    *,
    refresh_url: str | None = None,
    username_field: str | None = None,
    header_type: str | None = None,
) -> Credential:
    """Pairs of JSON Web Tokens, as ``djangorestframework-simplejwt`` gives them.

    ``token_url`` is the route of ``TokenObtainPairView``: a path below ``base_url``, or a URL, whose server is then the only
    one that gets the password. ``refresh_url`` is that of ``TokenRefreshView`` (``refresh/`` below it), ``username_field`` the
    server's ``USERNAME_FIELD`` ("username"), ``header_type`` the word before the token ("Bearer").

    The client logs in when it first needs a token. It is refreshed a little before its end, or when the server refuses it; each
    refresh token is used once if the server rotates them, and where it is refused, the client logs in again.

    Requests: one POST for the first call, and one each time that the token is replaced; two where its refresh is refused.
    """
    return _login(
        "jwt",
        token_url,
        username,
        password,
        refresh_url=refresh_url,
        username_field=username_field,
        header_type=header_type,
    )


def SessionAuth(
    login_url: str,
    username: str,
    password: str,
    *,
    json: bool = False,
    username_field: str | None = None,
    session_cookie: str | None = None,
    csrf_cookie: str | None = None,
    csrf_header: str | None = None,
) -> Credential:
    """A session of Django, begun by the form at ``login_url``, such as ``/api-auth/login/``, or with ``json=True`` by a JSON
    view such as the one of ``dj-rest-auth``: a path below ``base_url``, or a URL of the same origin.

    Cookies are kept in memory and sent to ``base_url`` only; writes carry the CSRF token. ``session_cookie`` ("sessionid"),
    ``csrf_cookie`` ("csrftoken") and ``csrf_header`` ("X-CSRFToken") are the server's names, ``username_field`` ("username") is
    that of its login. When the session is over, one login begins another, and what was refused because of that is sent once
    more.

    Requests: two for a login by a form, a GET and a POST; one by JSON.
    """
    return _login(
        "session",
        login_url,
        username,
        password,
        json="yes" if json else None,
        username_field=username_field,
        session_cookie=session_cookie,
        csrf_cookie=csrf_cookie,
        csrf_header=csrf_header,
    )


def OAuth2ClientCredentials(
    token_url: str, client_id: str, client_secret: str, *, scope: str | None = None, in_body: bool = False
) -> Credential:
    """An application's own access token (RFC 6749, section 4.4), as ``django-oauth-toolkit`` and others give it.

    ``token_url`` is a path below ``base_url``, or a URL, whose server is then the only one that gets the secret. ``scope`` is
    one scope, or several with spaces between. Id and secret are sent by HTTP Basic, with ``in_body=True`` in the body. The
    token is replaced a little before its end, or when the server refuses it.

    Requests: one POST for the first call, and one each time that the token is replaced.
    """
    return _login("oauth2", token_url, client_id, client_secret, scope=scope, in_body="yes" if in_body else None)


#: The kinds of credentials that are obtained by a login.
_LOGINS = ("jwt", "session", "oauth2")


if TYPE_CHECKING:
    Auth = Credential | tuple[str, str] | str
    #: A function that gives what ``auth`` takes, or ``auth_token``; synchronous or asynchronous.
    AuthProvider = Callable[[], Auth | Awaitable[Auth]]
    TokenProvider = Callable[[], str | Awaitable[str]]


def _authorization(headers: list[tuple[str, str]]) -> list[str]:
    """The values of the header that carries the credentials."""
    return [value for name, value in headers if str(name).lower() == "authorization"]


def _account(auth_token: str | TokenProvider | None, auth: Auth | AuthProvider | None) -> list[str] | Provider | None:
    """What the engine is given: a credential, or whom to ask for one."""
    if auth_token is not None and auth is None and callable(auth_token):
        return Provider(auth_token, lambda token: (_given("auth_token", ["token", token]), None))
    if auth_token is None and auth is not None and callable(auth):
        return Provider(auth, _provided)
    return _credential(auth_token, auth)  # type: ignore[arg-type]


def _provided(auth: Any) -> tuple[list[str], float | None]:
    """What a provider has given: the credential, and when it expires."""
    credential = None if auth is None or callable(auth) else _credential(None, auth)
    if credential is not None and credential[0] in _LOGINS:
        raise ConfigurationError("the token provider gave a login: give that to the client itself")
    if credential is None:
        raise ConfigurationError(f"the token provider gave no credential, but {type(auth).__name__}")
    expires_in = auth._expires_in if isinstance(auth, Credential) else None
    if expires_in is not None and not (isinstance(expires_in, (int, float)) and math.isfinite(expires_in)):
        raise ConfigurationError("`expires_in` must be a number of seconds")
    return credential, expires_in


def _credential(auth_token: str | None, auth: Auth | None) -> list[str] | None:
    if auth_token is not None and auth is not None:
        raise ConfigurationError("give `auth_token` or `auth`, not both")
    if auth_token is not None:
        return _given("auth_token", ["token", auth_token])
    if auth is None:
        return None
    if isinstance(auth, Credential):
        return _given("auth", auth._parts)
    if isinstance(auth, str):
        return _given("auth", ["header", "authorization", auth])
    if isinstance(auth, tuple) and len(auth) == 2:
        return _given("auth", ["basic", *auth])
    raise ConfigurationError(
        "`auth` must be a pair of user and password, a header's value, or a credential such as BearerAuth(...)"
    )


def _given(parameter: str, credential: list[str]) -> list[str]:
    """The credential, if it is not empty: sending an empty token is always a mistake."""
    kind, *parts = credential
    if not all(isinstance(part, str) for part in parts):
        raise ConfigurationError(f"`{parameter}` takes text, not {', '.join(type(part).__name__ for part in parts)}")
    if kind in _LOGINS:
        return credential  # The engine says which of its parts is empty.
    if not (any(parts) if kind == "basic" else parts[-1].strip()):
        raise ConfigurationError(
            f"`{parameter}` is empty: give the credential (is the environment variable set that it comes from?), or leave "
            f"`{parameter}` out to send none"
        )
    return credential


def _address(base_url: Any) -> str:
    if not isinstance(base_url, str) or not base_url.strip():
        given = "empty" if isinstance(base_url, str) else "None" if base_url is None else f"of type {type(base_url).__name__}"
        raise ConfigurationError(
            f'`base_url` is {given}: give the address of the API, such as "https://api.example.com" (is the environment '
            "variable set that it comes from?)"
        )
    if "://" not in base_url:
        raise ConfigurationError('`base_url` has no scheme: write "https://" or "http://" in front of the host')
    return base_url


class APIResponse:
    """A successful answer to a request that was written by hand.

    ``headers`` are by lower-case name, ``content`` holds the bytes, ``attempts`` counts how often the request was sent.
    """

    __slots__ = ("_data", "_is_decoded", "attempts", "content", "headers", "http_version", "status_code")

    def __init__(
        self,
        data: Any,
        status_code: int,
        headers: dict[str, str],
        content: bytes = b"",
        http_version: str = "HTTP/1.1",
        attempts: int = 1,
    ) -> None:
        self._data = data
        self._is_decoded = True
        self.status_code = status_code
        #: By lower-case name.
        self.headers = headers
        self.content = content
        self.http_version = http_version
        self.attempts = attempts

    @property
    def data(self) -> Any:
        """The decoded body; text if its content type is not JSON, ``None`` if it is empty.

        Raises: ``DecodeError`` for JSON that is cut off, nested too deeply, or otherwise invalid.
        """
        if not self._is_decoded:
            self._data = self._decoded()
            self._is_decoded = True
        return self._data

    def _decoded(self) -> Any:
        if not self.content:
            return None
        try:
            return self.json()
        except DecodeError:
            if "json" in self.headers.get("content-type", ""):
                raise
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON.

        Raises: ``DecodeError`` for a body that is not JSON, or is nested too deeply.
        """
        try:
            return from_json(self.content)
        except DecodeError as error:
            kind = self.headers.get("content-type", "no content type")
            raise DecodeError(
                f"the body of this answer ({self.status_code}, {kind}, {len(self.content)} bytes) is not valid JSON: "
                f"{error.__cause__ or error}; `content` holds the raw body"
            ) from None

    def __repr__(self) -> str:
        return f"<APIResponse {self.status_code}>"


def response_of(value: tuple[int, list[tuple[str, str]], bytes, str, int]) -> APIResponse:
    """The engine's answer as an ``APIResponse``, whose body is decoded when it is first read."""
    status, pairs, content, version, attempts = value
    headers: dict[str, str] = {}
    for name, text in pairs:
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    response = APIResponse(None, status, headers, content, version, attempts)
    response._is_decoded = False
    return response


class Stats:
    """What a client has cost so far: ``requests``, ``retries``, ``connections`` and ``bytes_received``."""

    __slots__ = ("bytes_received", "connections", "requests", "retries")

    def __init__(self, requests: int, retries: int, connections: int, bytes_received: int) -> None:
        self.requests = requests
        self.retries = retries
        self.connections = connections
        self.bytes_received = bytes_received

    def __repr__(self) -> str:
        return f"Stats(requests={self.requests}, retries={self.retries}, connections={self.connections})"


class BaseClient:
    """What both clients share. Use ``ServiceClient`` or ``AsyncServiceClient``."""

    def __init__(
        self,
        base_url: str,
        auth_token: str | TokenProvider | None = None,
        timeout: float = 60.0,
        verify_ssl: bool = True,
        follow_redirects: bool = True,
        max_retries: int = 3,
        http2: bool = False,
        max_connections: int = 100,
        max_keepalive_connections: int | None = None,
        headers: Mapping[str, str] | None = None,
        retry_delay: float = 0.2,
        auth: Auth | AuthProvider | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        on_n_plus_one: Literal["batch", "warn", "error"] = "batch",
        coalesce: bool = False,
        on_request: OnRequest | Iterable[OnRequest] | None = None,
        on_response: OnResponse | Iterable[OnResponse] | None = None,
        on_retry: OnRetry | Iterable[OnRetry] | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        """A client of the API at ``base_url``, such as ``https://api.example.com``. Times are in seconds.

        Who: ``auth_token`` for DRF's tokens, or ``auth``, which is a ``Credential``, a pair of user and password, or the value
        of the ``Authorization`` header; either may be a function that gives it, a token provider of one account, whose token
        every call of this client takes, whoever makes it (for several accounts: ``with_auth``); ``headers`` that go with every
        request, where ``Authorization`` is as ``auth``; ``user_agent``.

        How long: ``timeout`` of a whole call, retries included (60); ``connect_timeout`` (5) and ``attempt_timeout`` (30)
        within it. ``max_retries`` (3), the first after up to ``retry_delay`` (0.2), then twice as long each; every write too,
        with a key in ``idempotency_header``, for servers that do a write of one key once.

        Which way: ``verify_ssl``, ``ca_file`` (PEM, besides the system's, unless ``platform_roots`` is false), ``proxy`` or
        ``proxy_from_env``, ``client_certificate_file`` and ``client_key_file`` (PEM), ``unix_socket``, ``compression``,
        ``follow_redirects`` on the same origin, ``http2`` over TLS, ``http2_prior_knowledge``, ``max_connections`` (100),
        ``max_keepalive_connections`` (as many) for ``keepalive_timeout`` (4), ``max_response_size`` in bytes (64 MiB).

        How many requests: ``max_concurrent_requests`` under way, and ``rate_limit``, such as "60/min" or "10/second, 1000/day";
        further ones wait their turn, or fail at once where that comes after the ``timeout``. Both none if not given.

        How queries behave: ``page_size`` (the server's), ``read_ahead`` in pages (4), ``max_scan`` in rows (100,000),
        ``on_ignored`` ("local"), ``on_drift`` ("warn"), ``on_unsaved`` ("error"),
        ``on_n_plus_one`` ("batch"), ``nulls`` ("smallest"), ``ordering_parameter`` ("ordering") and
        ``search_parameter`` ("search"). ``coalesce`` (false), with an ``AsyncServiceClient``: rows that one turn of the
        event loop gets by their keys are read together. See docs/python/clients.md.

        Who is told: ``on_request`` before each request, ``on_response`` with each answer, ``on_retry`` before each wait for a
        retry; each a function, or several, that takes a ``RequestEvent``, ``ResponseEvent`` or ``RetryEvent``. With an
        ``AsyncServiceClient`` it may be an ``async def``.

        Raises: ``ConfigurationError`` for an invalid value; ``TypeError`` for a setting that does not exist, or a value of the
        wrong type.
        Requests: none. Connections are opened by the first request.
        """
        if unknown := sorted(options.keys() - _OPTIONS):
            raise TypeError(f"{type(self).__name__}() got unexpected arguments: {', '.join(unknown)}")
        if not verify_ssl:
            warnings.warn(
                "verify_ssl=False: anybody on the network path can read and change everything, credentials included",
                UserWarning,
                stacklevel=3,
            )
        always = list((headers or {}).items())
        authorization = _authorization(always)
        if authorization:
            if len(authorization) > 1 or auth_token is not None or auth is not None:
                raise ConfigurationError("give credentials once: in `auth_token`, in `auth` or as the header `Authorization`")
            auth = HeaderAuth("authorization", authorization[0])
            always = [pair for pair in always if not _authorization([pair])]
        settings: dict[str, Any] = {
            "timeout": timeout,
            "verify_ssl": verify_ssl,
            "follow_redirects": follow_redirects,
            "max_retries": max_retries,
            "http2": http2,
            "max_connections": max_connections,
            "max_keepalive_connections": max_keepalive_connections,
            "headers": always,
            "retry_delay": retry_delay,
            "ca_file": None if ca_file is None else os.fspath(ca_file),
            "proxy": proxy,
            "on_n_plus_one": on_n_plus_one,
            **options,
        }
        for name in ("client_certificate_file", "client_key_file", "unix_socket"):
            if isinstance(settings.get(name), os.PathLike):
                settings[name] = os.fspath(settings[name])
        if not isinstance(coalesce, bool):
            raise TypeError(f"`coalesce` must be a bool, not {type(coalesce).__name__}")
        is_async = hasattr(self, "__aenter__")
        if coalesce and not is_async:
            raise ConfigurationError(f"coalesce is for event loops: the calls of a {type(self).__name__} do not wait together")
        #: Whether rows that one turn of the event loop gets by their keys are read together.
        self._coalesce = coalesce
        #: What is done about a relation that one of many rows is asked for, unless the query says otherwise.
        self._on_n_plus_one = on_n_plus_one
        account = _account(auth_token, auth)
        hooks = hooks_of(is_async, on_request, on_response, on_retry)
        self._engine = Client(_address(base_url), account, settings, Telling(hooks))
        self._endpoints: WeakKeyDictionary[type[Any], Endpoint] = WeakKeyDictionary()
        self._owns_connections = True
        self._closed = False
        #: Digests, which can be compared: no secret is kept.
        self._way = _digest([self.base_url, *(settings.get(name) for name in _WAY)])
        self._identity = self._identify(account)

    if not TYPE_CHECKING:
        # Hidden from type checkers, which would otherwise accept any attribute.
        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_"):
                self._refuse_setting(name)
            super().__setattr__(name, value)

    def _refuse_setting(self, name: str) -> None:
        """An attribute that would change nothing is a mistake; a subclass may have attributes of its own."""
        kind = type(self)
        known = {*inspect.signature(BaseClient.__init__).parameters, *_OPTIONS} - {"self", "options"}
        if name in known:
            cure = "; `client.with_auth(...)` gives a client for another account" if name.startswith("auth") else ""
            raise AttributeError(f"`{name}` is given when the client is made: {kind.__name__}({name}=...){cure}")
        if kind.__module__.partition(".")[0] == __package__ and not hasattr(kind, name):
            near = nearest(name, known)
            meant = f"; did you mean `{near}`, which is given when the client is made?" if near else ""
            raise AttributeError(f"a {kind.__name__} has no attribute `{name}`{meant}")

    def _identify(self, account: list[str] | Provider | None) -> object:
        """Equal for clients that reach the same server, in the same way, for the same account."""
        return (self._way, account.identity() if isinstance(account, Provider) else _digest(account))

    def with_token(self, auth_token: str | TokenProvider) -> Self:
        """This client for another account, with ``Authorization: Token ...``. As ``with_auth``.

        Requests: none.
        """
        return self._with_account(_account(auth_token, None))

    def with_auth(self, auth: Auth | AuthProvider | None) -> Self:
        """This client with other credentials, or with none, over the same connections; this one keeps its own.

        For a server that makes calls for its own users: one client with a pool of connections, and from it one for each
        request. Closing the new client leaves the connections open: they belong to this one. ``headers`` other than
        ``Authorization`` are kept, such as a ``Cookie``: do not put what belongs to one account there.

        Raises: ``ConfigurationError`` for anything but a credential.
        Requests: none.
        """
        return self._with_account(_account(None, auth))

    def _with_account(self, account: list[str] | Provider | None) -> Self:
        client = self._over_same_connections(self._engine.with_auth(account))
        client._identity = client._identify(account)
        return client

    def with_timeout(self, timeout: float) -> Self:
        """This client with another time for each call, its retries and waits included, over the same connections.

        For one call: ``client.with_timeout(5).get(...)``, ``User.objects.timeout(5).get(...)``. Closing the new client leaves
        the connections open.

        Raises: ``ValueError`` for anything but a number of seconds.
        Requests: none.
        """
        return self._over_same_connections(self._engine.with_timeout(number_of_seconds("with_timeout()", timeout)))

    def _over_same_connections(self, engine: Client) -> Self:
        client = type(self).__new__(type(self))
        client.__dict__.update(self.__dict__)
        client._engine = engine
        client._endpoints = WeakKeyDictionary()
        client._owns_connections = False
        client._closed = False
        return client

    @property
    def base_url(self) -> str:
        """The base URL, without a slash at its end.

        Requests: none.
        """
        return self._engine.base_url()

    @property
    def stats(self) -> Stats:
        """Requests, retries, connections and bytes since the client was made, including those of clients made by ``with_auth``.

        Requests: none.
        """
        return Stats(*self._engine.stats())

    def _endpoint(self, model: type[Any]) -> Endpoint:
        endpoint = self._endpoints.get(model)
        if endpoint is None:
            endpoint = self._endpoints[model] = self._endpoint_of(model._info().engine)
        return endpoint

    def _endpoint_of(self, model: EngineModel) -> Endpoint:
        endpoint = Endpoint(self._engine, model)
        return endpoint.with_policy(coalesce=True) if self._coalesce else endpoint

    def _request(
        self,
        method: str,
        endpoint: str,
        params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None,
        data: Any,
        headers: Mapping[str, str] | None,
        timeout: float | None,
    ) -> Operation:
        pairs: Any = params.items() if isinstance(params, Mapping) else params or ()
        query: list[tuple[str, str]] = []
        for name, value in pairs:
            # django-filter reads the values of `in` and `range` from one parameter, and those of several choices from many.
            repeats = isinstance(value, (list, tuple, set, frozenset)) and not str(name).endswith(("__in", "__range"))
            query += [(str(name), _text(each)) for each in (value if repeats else [value]) if each is not None]
        body = None if data is None else to_json(data)
        return self._engine.request(method, endpoint, query, body, list((headers or {}).items()), timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client cannot be pickled: it holds connections and credentials")


def endpoint_of(client: BaseClient, model: type[Any], at: str | None) -> Endpoint:
    """The model's collection on the client, or the same model at another collection."""
    return client._endpoint(model) if at is None else client._endpoint_of(model._info().engine.at(at))


def number_of_seconds(where: str, seconds: float) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise ValueError(f"{where} takes a number of seconds, not {seconds!r}")
    return seconds


class Home:
    """Where the rows of a query are written, if not simply to their model's collection with the client's settings."""

    __slots__ = ("client", "path", "policy")

    def __init__(self, client: BaseClient | None, path: str | None, policy: Mapping[str, Any] | None = None) -> None:
        #: ``None`` for rows from another process, which use the client that is registered in this one.
        self.client = client
        #: The collection that they were read from, if that is not the model's own.
        self.path = path
        #: What holds for writes, in place of the client's settings.
        self.policy = policy


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(_text(item) for item in value)
    if isinstance(value, (str, int, float)):
        return str(value)
    text = json.loads(to_json(value))
    return text if isinstance(text, str) else json.dumps(text)
