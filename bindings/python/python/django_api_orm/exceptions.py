"""What can go wrong.

One family with two sets of names: those of HTTP (``NotFoundError``) and the shorter ones that programs written for earlier
releases catch (``AuthenticationError``). Data that does not fit a schema raises pydantic's own ``ValidationError``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, TypeVar

__all__ = [
    "APIClientError",
    "APIConnectionError",
    "APIException",
    "APIHTTPError",
    "APIServerError",
    "APITimeoutError",
    "APIWarning",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "BulkCreateError",
    "BulkWriteError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionError",
    "CountMismatchError",
    "DataMovedWarning",
    "DecodeError",
    "DoesNotExist",
    "FieldError",
    "ForbiddenError",
    "GatewayTimeoutError",
    "HTTPStatusError",
    "IgnoredError",
    "IgnoredWarning",
    "InternalServerError",
    "InvalidRequestError",
    "MultipleObjectsReturned",
    "NPlusOneWarning",
    "NotFoundError",
    "OutcomeUnknown",
    "PreconditionFailedError",
    "PreconditionRequiredError",
    "RateLimitError",
    "RowError",
    "ServiceUnavailableError",
    "TimeoutError",
    "TooManyRequestsError",
    "UnauthorizedError",
    "UnsavedError",
    "UnsavedWarning",
    "UnsupportedError",
    "ValidationException",
]


class ErrorResponse:
    """The server's error response: status and body. Never part of an exception's text."""

    __slots__ = ("content", "status_code")

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON.

        Raises: ``DecodeError`` for a body that is not JSON, or is nested too deeply.
        """
        from ._json import from_json

        return from_json(self.content)

    def __repr__(self) -> str:
        return f"<ErrorResponse {self.status_code}, {len(self.content)} bytes>"


class APIException(Exception):
    """The base class of this package's own exceptions.

    It also raises pydantic's ``ValidationError``, for data that does not fit a schema, and ``TypeError`` and
    ``ValueError`` for mistakes in a call's arguments.
    """

    message: str = ""
    #: The status of the response, if there was one.
    status_code: int | None = None
    #: Status and body of the response, if there was one.
    response: ErrorResponse | None = None
    #: Seconds that the server asks the caller to wait.
    retry_after: float | None = None
    #: The server's name for the request (``X-Request-ID``).
    request_id: str | None = None
    #: The server's messages by field: ``{"email": [...], "address.state": [...]}``.
    errors: dict[str, list[str]]
    #: The server's sentence, DRF's ``detail``.
    detail: str | None = None
    method: str | None = None
    #: The path without keys and query: ``/api/v1/users/{id}/``.
    url: str | None = None
    #: How many times the request was sent.
    attempts: int = 0
    #: The same call may succeed later, and making it again cannot write twice.
    is_retryable: bool = False
    #: The server may have carried out the write that failed.
    is_outcome_unknown: bool = False
    #: The row that the error is about, where there is one. Of ``post.tags.create()``: the row that was created, and was not
    #: added to the list.
    instance: Any = None
    #: The server has carried out the write that failed.
    _is_carried_out: bool = False
    #: Of a write whose outcome is unknown: what it was.
    _lost: bytes | None = None

    def __init__(self, message: str = "", *args: object) -> None:
        super().__init__(message, *args)
        self.message = message
        self.errors = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (type(self), self.message, self.__dict__))


def _restore(kind: type[APIException], message: str, state: dict[str, Any]) -> APIException:
    error = kind.__new__(kind, message)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


def tell_created(error: BaseException, row: Any) -> None:
    """Gives the error of what was done with a row after it was created the row."""
    if isinstance(error, APIException):
        error.message = f"{error.message} (the related row was created, and was not added to the list: it is the `instance`)"
        error.args = (error.message, *error.args[1:])
    with contextlib.suppress(AttributeError, TypeError):
        vars(error)["instance"] = row


class ConfigurationError(APIException):
    """The client or a model is set up wrongly, or a model is used without a client. Nothing was sent."""


class InvalidRequestError(APIException, ValueError):
    """The call is invalid; nothing was sent."""


class FieldError(InvalidRequestError, TypeError):
    """A name that is no field, in what is written: as Django's ``FieldError``, and ``TypeError``. Nothing was sent."""


class DoesNotExist(APIException):
    """No row matches. ``User.DoesNotExist`` is this for one model."""


class MultipleObjectsReturned(APIException):
    """More than one row matches where one was asked for."""


class ValidationException(APIException):
    """The server refused the data; ``errors`` says why, by field."""


class APIConnectionError(APIException):
    """The connection failed or broke: name, network, TLS. Also named ``ConnectionError``, not a subclass of Python's."""


class APITimeoutError(APIException):
    """Time ran out. Also named ``TimeoutError``; not a subclass of Python's."""


class DecodeError(APIException, ValueError):
    """The response is not what was expected: no JSON, no page of rows, too large; with ``on_drift="error"`` also rows that
    moved. A ``ValueError`` too, as bodies that are not JSON are elsewhere in Python.
    """

    #: The key of the row that was written, where the answer to a write does not fit the schema.
    key: Any = None


class UnsupportedError(APIException):
    """The query cannot be answered correctly: part of it has to be evaluated on rows that do not show it, or more than
    ``max_scan`` rows would have to be read.
    """


class CountMismatchError(APIException):
    """The number of matching rows is not the expected one, so ``update`` or ``delete`` wrote nothing: see ``expect()``."""


class IgnoredError(APIException):
    """The server ignored a filter or an ordering, and ``on_ignored="error"`` was asked for."""


class UnsavedError(APIException):
    """A write was carried out, but the server did not keep a value: the field may be read-only there. Or nothing was created,
    because a new row was seen not to keep what it is looked up by, so that each call would create another one. See
    ``on_unsaved``.
    """

    #: The row as it is now: the instance that was saved, with what was kept taken over, or the one that was created. ``None``
    #: where nothing was created, and for the rows of ``update()``.
    instance: Any = None
    _row: bytes | None = None


class OutcomeUnknown(APIException):
    """A write may or may not have been carried out, so it was not sent again. ``Model.objects.reconcile`` looks what has become
    of it.
    """


class APIHTTPError(APIException):
    """The server answered with an error status. Also named ``HTTPStatusError``."""


class APIClientError(APIHTTPError):
    """4xx: the request was refused."""


class BadRequestError(APIClientError, ValidationException):
    """400 (or 422), with the server's messages in ``errors``."""


class UnauthorizedError(APIClientError):
    """401: no credentials, or wrong ones. Also named ``AuthenticationError``."""


class ForbiddenError(APIClientError):
    """403: not for this account."""


class NotFoundError(APIClientError, DoesNotExist):
    """404. A ``DoesNotExist``; that of the model, such as ``User.DoesNotExist``, only if a row is missing, not if the URL is
    wrong.
    """


class ConflictError(APIClientError):
    """409: the request conflicts with the present state of the row; or a check has shown that somebody else has changed it
    since it was read, so nothing was sent.
    """

    #: The row that was to be written, with the changes, which are still unsaved; of ``save()`` and ``delete()``.
    instance: Any = None
    #: The row as the server has it now, where it was read again.
    current: Any = None
    #: The fields that were to be written and have been changed by somebody else too.
    fields: Sequence[str] = ()
    _current: tuple[bytes, list[str]] | None = None


class PreconditionFailedError(ConflictError):
    """412: somebody else has changed the row since it was read. Nothing was written."""


class PreconditionRequiredError(APIClientError):
    """428: the server wants to be told which version of the row was read, and this row has none: it came from a list, or from
    a write whose answer names no version.
    """


class TooManyRequestsError(APIClientError):
    """429; ``retry_after`` says how long to wait. Also named ``RateLimitError``.

    Without a ``status_code`` the call was not sent, because it would have had to wait longer than it has time.
    """


class APIServerError(APIHTTPError):
    """5xx: the server failed."""


class InternalServerError(APIServerError):
    """500."""


class BadGatewayError(APIServerError):
    """502."""


class ServiceUnavailableError(APIServerError):
    """503."""


class GatewayTimeoutError(APIServerError):
    """504."""


class RowError(DecodeError):
    """A row that does not fit the schema, as it is reported when invalid rows are skipped: its ``index`` in the query and its
    ``key``. ``__cause__`` is pydantic's error.
    """

    def __init__(self, message: str = "", index: int = 0, key: Any = None) -> None:
        super().__init__(message)
        self.index = index
        self.key = key


class BulkCreateError(APIException):
    """Some rows could not be created, or ended in an error all the same. ``created`` holds ``(index, instance)``, ``failed``
    holds ``(index, exception)``. An ``OutcomeUnknown`` too, where one of these is.
    """

    created: Sequence[tuple[int, Any]] = ()
    failed: Sequence[tuple[int, APIException]] = ()


class BulkWriteError(APIException):
    """Some rows could not be written, or ended in an error all the same. ``written`` holds the keys of the others as text,
    ``failed`` holds ``(key, exception)``. An ``OutcomeUnknown`` too, where one of these is.
    """

    written: Sequence[str] = ()
    failed: Sequence[tuple[str, APIException]] = ()


B = TypeVar("B", BulkCreateError, BulkWriteError)


class APIWarning(UserWarning):
    """Something worth knowing about an answer that is right."""


class IgnoredWarning(APIWarning):
    """The server ignores a filter, an ordering or an offset; it was applied client-side. Issued once for each endpoint."""


class DataMovedWarning(APIWarning):
    """Rows came twice, or not as many as the server counted: they were changed during the walk."""


class NPlusOneWarning(APIWarning):
    """A related row was asked for on one of many rows that were read together, and ``on_n_plus_one("warn")``. It names the
    program's line.
    """


class UnsavedWarning(APIWarning):
    """The server does not keep what is written to a field, and ``on_unsaved="warn"``. Issued once for each endpoint and
    field.
    """


ConnectionError = APIConnectionError
TimeoutError = APITimeoutError
AuthenticationError = UnauthorizedError
RateLimitError = TooManyRequestsError
HTTPStatusError = APIHTTPError

_BY_STATUS: dict[int, type[APIHTTPError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    428: PreconditionRequiredError,
    429: TooManyRequestsError,
    500: InternalServerError,
    502: BadGatewayError,
    503: ServiceUnavailableError,
    504: GatewayTimeoutError,
}

#: By the engine's code for the kind. Kinds that are not here follow from the status of the response: see `_class_of`.
_BY_KIND: dict[str, type[APIException]] = {
    "configuration": ConfigurationError,
    "invalid_request": InvalidRequestError,
    "connect": APIConnectionError,
    "timeout": APITimeoutError,
    "validation": BadRequestError,
    "does_not_exist": DoesNotExist,
    "multiple_objects_returned": MultipleObjectsReturned,
    "decode": DecodeError,
    "too_large": DecodeError,
    "outcome_unknown": OutcomeUnknown,
    "ignored": IgnoredError,
    "unsaved": UnsavedError,
    "unsupported": UnsupportedError,
    "scan_limit": UnsupportedError,
    "count_mismatch": CountMismatchError,
    "drift": DecodeError,
    "runtime": APIException,
}

#: Kinds that a status gives.
_OF_STATUS = frozenset(
    "status authentication permission not_found conflict precondition_failed precondition_required".split()
    + "throttled server redirect".split()
)


#: Those of them that have a class where the call itself was not answered: it waited in vain, or its login failed.
_WITHOUT_STATUS: dict[str, type[APIException]] = {
    "authentication": UnauthorizedError,
    "conflict": ConflictError,
    "server": APIServerError,
    "throttled": TooManyRequestsError,
}


def _also_unknown(kind: type[APIException]) -> type[APIException]:
    """The error of a write that may have been carried out nevertheless: it is caught as either class."""
    if kind is APIException:
        return OutcomeUnknown
    name = f"{kind.__name__}OutcomeUnknown"
    bases: tuple[Any, ...] = (kind, OutcomeUnknown)
    both: type[APIException] = type(name, bases, {"__module__": __name__, "__doc__": kind.__doc__})
    globals()[name] = both
    return both


def _bulk_error(kind: type[B], message: str, failed: Sequence[Any]) -> B:
    """The error of many writes, some of which have failed."""
    is_unknown = any(getattr(error, "is_outcome_unknown", False) for _, error in failed)
    made: Any = _UNKNOWN[kind] if is_unknown else kind
    error: B = made(message)
    error.failed = failed
    error.is_outcome_unknown = is_unknown
    error.__cause__ = failed[0][1]
    return error


def _told(failed: Sequence[tuple[Any, Exception]], total: int, done: str) -> str:
    """What has become of the writes that have failed, as the engine says it."""
    unknown = sum(getattr(error, "is_outcome_unknown", False) for _, error in failed)
    of_others = [error for _, error in failed if not getattr(error, "is_outcome_unknown", False)]
    carried_out = sum(getattr(error, "_is_carried_out", False) for error in of_others)
    parts = {
        f"could not be {done}": len(failed) - unknown - carried_out,
        f"may or may not have been {done}": unknown,
        f"failed after being {done}": carried_out,
    }
    first, *rest = [(rows, what) for what, rows in parts.items() if rows]
    told = [f"{first[0]} of {total} rows {first[1]}", *(f"{rows} {what}" for rows, what in rest)]
    return f"{', '.join(told)}; row {failed[0][0]}: {failed[0][1]}"


class _RowMissing(NotFoundError):
    """404 of one row, before it is known of which model."""


_GENERAL = (APIHTTPError, APIClientError, APIServerError, BadRequestError, _RowMissing, BulkCreateError, BulkWriteError)
_UNKNOWN: dict[type[APIException], type[APIException]] = {
    kind: _also_unknown(kind)
    for kind in dict.fromkeys((*_BY_KIND.values(), *_BY_STATUS.values(), *_WITHOUT_STATUS.values(), *_GENERAL))
    if kind is not OutcomeUnknown
}
_RowMissingUnknown = _UNKNOWN[_RowMissing]


def _class_of(kind: str, status: int | None) -> type[APIException]:
    if kind == "does_not_exist" and status == 404:
        return _RowMissing
    if kind not in _OF_STATUS:
        return _BY_KIND.get(kind, APIException)
    if status is None:
        return _WITHOUT_STATUS.get(kind, APIException)
    if status == 400:
        return BadRequestError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return APIServerError
    return APIClientError if status >= 400 else APIHTTPError


def _from_engine(kind: str, message: str, details: dict[str, Any]) -> APIException:
    """Called by the engine for every error that reaches Python."""
    status = details["status_code"]
    body = details.pop("body")
    row = details.pop("row")
    cause = details.pop("cause")
    conflict = details.pop("conflict")
    lost = details.pop("lost")
    made = _class_of(kind, status)
    if details["is_outcome_unknown"]:
        made = _UNKNOWN.get(made, made)
    error = made(message)
    error.__dict__.update(details)
    if status is not None:
        error.response = ErrorResponse(status, body or b"")
    if isinstance(error, UnsavedError):
        error._row = row
    if lost is not None:
        error._lost = lost
    if isinstance(error, ConflictError):
        error._current = conflict
    if cause is not None:
        error.__cause__ = cause
    return error
