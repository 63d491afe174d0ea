"""Every kind of error that the engine has, as an exception."""

from __future__ import annotations

import pickle

import django_api_orm as orm
import pytest
from django_api_orm import _engine, exceptions
from django_api_orm._model import specialise
from pydantic import BaseModel

#: The classes that callers catch, by code and status.
EXPECTED = {
    ("configuration", None): orm.ConfigurationError,
    ("invalid_request", None): orm.InvalidRequestError,
    ("connect", None): orm.APIConnectionError,
    ("timeout", None): orm.APITimeoutError,
    ("status", 405): orm.APIClientError,
    ("status", 400): orm.BadRequestError,
    ("validation", 400): orm.BadRequestError,
    ("validation", 422): orm.BadRequestError,
    ("authentication", 401): orm.UnauthorizedError,
    ("authentication", None): orm.UnauthorizedError,
    ("server", None): orm.APIServerError,
    ("permission", 403): orm.ForbiddenError,
    ("not_found", 404): orm.NotFoundError,
    ("not_found", 410): orm.APIClientError,
    ("does_not_exist", None): orm.DoesNotExist,
    ("does_not_exist", 404): exceptions._RowMissing,
    ("multiple_objects_returned", None): orm.MultipleObjectsReturned,
    ("conflict", 409): orm.ConflictError,
    ("precondition_failed", 412): orm.PreconditionFailedError,
    ("precondition_required", 428): orm.PreconditionRequiredError,
    ("conflict", None): orm.ConflictError,
    ("throttled", 429): orm.TooManyRequestsError,
    ("throttled", None): orm.TooManyRequestsError,
    ("server", 500): orm.InternalServerError,
    ("server", 501): orm.APIServerError,
    ("server", 502): orm.BadGatewayError,
    ("server", 503): orm.ServiceUnavailableError,
    ("server", 504): orm.GatewayTimeoutError,
    ("redirect", 302): orm.APIHTTPError,
    ("decode", None): orm.DecodeError,
    ("decode", 200): orm.DecodeError,
    ("too_large", 200): orm.DecodeError,
    ("outcome_unknown", None): orm.OutcomeUnknown,
    ("ignored", None): orm.IgnoredError,
    ("unsupported", None): orm.UnsupportedError,
    ("scan_limit", None): orm.UnsupportedError,
    ("unsaved", None): orm.UnsavedError,
    ("count_mismatch", None): orm.CountMismatchError,
    ("drift", None): orm.DecodeError,
    ("runtime", None): orm.APIException,
}
KINDS = dict(_engine.error_kinds())


def test_every_kind_has_a_class():
    assert {code for code, _ in EXPECTED} == KINDS.keys()
    assert exceptions._BY_KIND.keys() | exceptions._OF_STATUS == KINDS.keys()
    assert not exceptions._BY_KIND.keys() & exceptions._OF_STATUS


@pytest.mark.parametrize(("code", "status"), EXPECTED)
def test_an_error_has_the_class_of_its_kind(code, status):
    error = _engine.error_example(code, status)
    assert type(error) is EXPECTED[code, status]
    assert KINDS[code] in error.message and error.message == str(error)
    assert error.status_code == status
    assert (error.response is None) is (status is None)
    assert (error.method, error.url, error.attempts, error.errors) == ("GET", "/users/{id}/", 1, {})
    assert error.is_outcome_unknown is (code == "outcome_unknown")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and again.message == error.message and again.status_code == status


def test_a_body_that_cannot_be_read_is_a_value_error_too():
    assert isinstance(_engine.error_example("decode", 200), ValueError)


@pytest.mark.parametrize("kind", dict.fromkeys(EXPECTED.values()))
def test_a_write_in_doubt_is_caught_as_an_unknown_outcome_whatever_its_class(kind):
    (code, status) = next(code for code, expected in EXPECTED.items() if expected is kind)
    details = dict.fromkeys(("body", "row", "cause", "conflict", "lost"))
    error = exceptions._from_engine(code, "m", {**details, "status_code": status, "is_outcome_unknown": True})
    assert isinstance(error, kind) and isinstance(error, orm.OutcomeUnknown)
    assert type(pickle.loads(pickle.dumps(error))) is type(error)


def test_a_row_that_may_have_been_written_before_it_was_gone_is_missing_and_unknown():
    class Gone(orm.APIModel):
        _schema_class = BaseModel
        _endpoint = "/gone/"

    error = exceptions._RowMissingUnknown("m")
    specialise(Gone, error)
    assert (
        isinstance(error, Gone.DoesNotExist)
        and isinstance(error, orm.OutcomeUnknown)
        and type(error).__name__ == "DoesNotExist"
    )
