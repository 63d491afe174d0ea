"""Outcomes on their way from the engine to those who wait for them."""

from __future__ import annotations

import asyncio

import pytest
from django_api_orm import APIModel, AsyncAPIModel, exceptions
from django_api_orm.testserver import TestServer
from pydantic import BaseModel
from test_writes import model


class Row(BaseModel):
    id: int | None = None
    name: str = ""


@pytest.fixture
def rows():
    with TestServer({"things": [{"id": number, "name": f"row {number}"} for number in range(1, 6)]}) as server:
        yield server


@pytest.fixture
def unmade(monkeypatch):
    """Exceptions cannot be made: each attempt runs out of memory."""

    def runs_out(*_):
        raise MemoryError

    # The engine holds the function that makes exceptions, so what that calls is replaced.
    monkeypatch.setattr(exceptions, "_class_of", runs_out)


@pytest.mark.usefixtures("unmade")
def test_an_outcome_that_cannot_be_handed_over_holds_up_no_other_one(rows):
    thing = model(rows, Row, AsyncAPIModel)

    async def main():
        client = thing.objects.client
        await thing.objects.first()
        before = client.stats.requests
        calls = [thing.objects.get(id=number) for number in (99, 1, 2, 98, 3, 4, 5, 97)]
        tasks = [asyncio.ensure_future(call) for call in calls]
        # Twice: calls that begin in the same turn are handed to the engine in the next one.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        # The loop is busy until they have finished, so that their outcomes are taken out together.
        while client.stats.requests < before + len(calls):
            pass
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)

    outcomes = asyncio.run(main())
    assert [outcome.id for outcome in outcomes if isinstance(outcome, thing)] == [1, 2, 3, 4, 5]
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, thing)] == [MemoryError] * 3


@pytest.mark.usefixtures("unmade")
def test_a_synchronous_call_raises_why_its_outcome_cannot_be_handed_over(rows):
    with pytest.raises(MemoryError):
        model(rows, Row, APIModel).objects.get(id=99)
