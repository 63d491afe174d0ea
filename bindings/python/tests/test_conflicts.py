"""Rows that somebody else has changed since they were read."""

from __future__ import annotations

import django_api_orm as orm


def test_a_precondition_that_failed_is_a_conflict_and_one_that_is_required_is_none():
    assert issubclass(orm.PreconditionFailedError, orm.ConflictError)
    assert not issubclass(orm.PreconditionRequiredError, orm.ConflictError)
