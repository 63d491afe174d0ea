"""A Django-style ORM whose database is a REST API.

>>> from pydantic import BaseModel
>>> from django_api_orm import APIModel, ServiceClient, register_models
>>> class UserSchema(BaseModel):
...     id: int | None = None
...     name: str
...     email: str
>>> class User(APIModel):
...     _schema_class = UserSchema
...     _endpoint = "/api/v1/users/"

After ``register_models(client, User)`` the rows are ``User.objects``, as in Django; ``AsyncAPIModel``,
``AsyncServiceClient`` and ``register_async_models`` are the same for asyncio.

The answer is right, or it is an error: every row is checked against the filter that was sent, every page is read, and a
write that may have arrived is not sent again.
"""

from typing import TYPE_CHECKING, Any

from ._building import Explanation
from ._client import (
    APIResponse,
    BasicAuth,
    BearerAuth,
    Credential,
    HeaderAuth,
    JWTAuth,
    OAuth2ClientCredentials,
    SessionAuth,
    Stats,
    TokenAuth,
)
from ._hooks import RequestEvent, ResponseEvent, RetryEvent
from ._prefetching import Prefetch
from ._reconciled import Reconciled
from ._registry import unregister_models
from ._relation_back import Related
from ._relations import ForeignKey, ManyToMany, relation
from ._schema import Pagination
from .base import APIModel, Manager, QuerySet, register_models
from .client import ServiceClient
from .exceptions import (
    APIClientError,
    APIConnectionError,
    APIException,
    APIHTTPError,
    APIServerError,
    APITimeoutError,
    APIWarning,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    BulkCreateError,
    BulkWriteError,
    ConfigurationError,
    ConflictError,
    ConnectionError,
    CountMismatchError,
    DataMovedWarning,
    DecodeError,
    DoesNotExist,
    FieldError,
    ForbiddenError,
    GatewayTimeoutError,
    HTTPStatusError,
    IgnoredError,
    IgnoredWarning,
    InternalServerError,
    InvalidRequestError,
    MultipleObjectsReturned,
    NotFoundError,
    NPlusOneWarning,
    OutcomeUnknown,
    PreconditionFailedError,
    PreconditionRequiredError,
    RateLimitError,
    RowError,
    ServiceUnavailableError,
    TimeoutError,
    TooManyRequestsError,
    UnauthorizedError,
    UnsavedError,
    UnsavedWarning,
    UnsupportedError,
    ValidationException,
)
from .q import Q
from .relating import RelatedManager

if TYPE_CHECKING:
    from .async_base import AsyncAPIModel, AsyncManager, AsyncQuerySet, register_async_models
    from .async_client import AsyncServiceClient
    from .async_relating import AsyncRelatedManager

__version__ = "0.1.0"

__all__ = [
    "APIClientError",
    "APIConnectionError",
    "APIException",
    "APIHTTPError",
    "APIModel",
    "APIResponse",
    "APIServerError",
    "APITimeoutError",
    "APIWarning",
    "AsyncAPIModel",
    "AsyncManager",
    "AsyncQuerySet",
    "AsyncRelatedManager",
    "AsyncServiceClient",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "BasicAuth",
    "BearerAuth",
    "BulkCreateError",
    "BulkWriteError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionError",
    "CountMismatchError",
    "Credential",
    "DataMovedWarning",
    "DecodeError",
    "DoesNotExist",
    "Explanation",
    "FieldError",
    "ForbiddenError",
    "ForeignKey",
    "GatewayTimeoutError",
    "HTTPStatusError",
    "HeaderAuth",
    "IgnoredError",
    "IgnoredWarning",
    "InternalServerError",
    "InvalidRequestError",
    "JWTAuth",
    "Manager",
    "ManyToMany",
    "MultipleObjectsReturned",
    "NPlusOneWarning",
    "NotFoundError",
    "OAuth2ClientCredentials",
    "OutcomeUnknown",
    "Pagination",
    "PreconditionFailedError",
    "PreconditionRequiredError",
    "Prefetch",
    "Q",
    "QuerySet",
    "RateLimitError",
    "Reconciled",
    "Related",
    "RelatedManager",
    "RequestEvent",
    "ResponseEvent",
    "RetryEvent",
    "RowError",
    "ServiceClient",
    "ServiceUnavailableError",
    "SessionAuth",
    "Stats",
    "TimeoutError",
    "TokenAuth",
    "TooManyRequestsError",
    "UnauthorizedError",
    "UnsavedError",
    "UnsavedWarning",
    "UnsupportedError",
    "ValidationException",
    "register_async_models",
    "register_models",
    "relation",
    "unregister_models",
]

#: Loaded when they are first asked for, so that a synchronous program does not import asyncio.
_ASYNC = {
    "AsyncAPIModel": "async_base",
    "AsyncManager": "async_base",
    "AsyncRelatedManager": "async_relating",
    "AsyncQuerySet": "async_base",
    "AsyncServiceClient": "async_client",
    "register_async_models": "async_base",
}


def __getattr__(name: str) -> Any:
    module = _ASYNC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{module}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ASYNC})
