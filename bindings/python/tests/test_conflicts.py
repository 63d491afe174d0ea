"""Versions of rows on their way through Python, and writes of several rows. What a single row does is in ``contract``."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import django_api_orm as orm
import pytest
from conftest import TOKEN
from django_api_orm import APIModel, ServiceClient, register_models
from schemas import ItemSchema


class Item(APIModel):
    _schema_class = ItemSchema
    _endpoint = "/api/v1/items/tagged/"


@pytest.fixture
def items(fresh):
    with ServiceClient(fresh.base_url, auth_token=TOKEN) as client:
        register_models(client, Item)
        yield client


def changed_by_another():
    theirs = Item.objects.get(id=1)
    theirs.name = "theirs"
    theirs.save()


def test_a_precondition_that_failed_is_a_conflict_and_one_that_is_required_is_none():
    assert issubclass(orm.PreconditionFailedError, orm.ConflictError)
    assert not issubclass(orm.PreconditionRequiredError, orm.ConflictError)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda row: pickle.loads(pickle.dumps(row))])
def test_a_copy_keeps_its_version(items, copied):
    ours = copied(Item.objects.get(id=1))
    changed_by_another()
    ours.name = "ours"
    with pytest.raises(orm.PreconditionFailedError) as failed:
        ours.save()
    again = pickle.loads(pickle.dumps(failed.value))
    assert (again.current.name, again.instance.name, again.fields) == ("theirs", "ours", ("name",))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda row: pickle.loads(pickle.dumps(row))])
def test_a_copy_of_a_row_that_was_saved_is_looked_at(fresh, items, copied):
    ours = Item.objects.get(id=1)
    ours.name = "ours"
    ours.save()
    ours = copied(ours)
    changed_by_another()
    with ServiceClient(fresh.base_url, auth_token=TOKEN) as other:
        # It has read nothing, so only the row knows that there are versions.
        register_models(other, Item)
        ours.name = "ours again"
        with pytest.raises(orm.ConflictError) as failed:
            pickle.loads(pickle.dumps(ours)).save()
    assert failed.value.current.name == "theirs"


def test_a_row_is_bytes_and_its_version_is_no_part_of_it(items):
    row = Item.objects.get(id=1)._row
    assert isinstance(row, bytes) and row == bytes(row) and type(row) is not bytes
    assert type(Item.objects.all()[0]._row) is bytes


def test_many_rows_are_saved_each_as_its_version(items):
    rows = [Item.objects.get(id=1), Item.objects.get(id=2)]
    changed_by_another()
    for row in rows:
        row.name = "ours"
    with pytest.raises(orm.BulkWriteError) as failed:
        Item.objects.bulk_update(rows, ["name"])
    assert list(failed.value.written) == ["2"]
    [(key, error)] = failed.value.failed
    assert (key, type(error), error.instance, error.current.name) == ("1", orm.PreconditionFailedError, rows[0], "theirs")


def test_update_or_create_writes_what_is_given_into_the_row_as_it_is(items):
    row, created = Item.objects.update_or_create(id=1, defaults={"name": "ours"})
    assert (row.name, created) == ("ours", False)
    changed_by_another()
    row.kind = "k"
    row.save()
    assert row.name == "theirs", "the answer to the write named no version"


def test_another_word_for_what_happens_is_refused(items):
    row = Item.objects.get(id=1)
    row.name = "ours"
    with pytest.raises(ValueError, match="on_conflict"):
        row.save(on_conflict="overwrite")


def test_racing_saves_lose_nothing(items):
    """What was reported as saved is there, on Django, too."""
    start = Item.objects.get(id=1)
    start.rank = 0
    start.save()

    def increment(_):
        row = Item.objects.get(id=1)
        row.rank += 1
        try:
            row.save()
        except orm.ConflictError:
            return 0
        return 1

    def registered(number):
        register_models(items, Item)
        return increment(number)

    with ThreadPoolExecutor(8) as threads:
        saved = sum(threads.map(registered, range(100)))
    assert Item.objects.get(id=1).rank == saved
    assert saved > 0
