"""Rows with an ``ETag`` are written only as the version that was read. ``items/tagged`` has Django's ``condition`` around it,
and ``items/tagged-weakly`` the same with weak tags, which match no condition.
"""

from __future__ import annotations

import django_api_orm as orm
import pytest

from .site import settle, values, writes


async def two(site, key, endpoint="tagged"):
    """The row, read by two."""
    items = site.items(endpoint)
    return await settle(items.get(id=key)), await settle(items.get(id=key))


@writes
async def test_a_change_by_another_is_not_overwritten(site):
    ours, theirs = await two(site, 1)
    before = ours.name
    theirs.name = "theirs"
    await settle(theirs.save())
    ours.name, ours.kind = "ours", "k"
    site.cost()
    with pytest.raises(orm.PreconditionFailedError) as failed:
        await settle(ours.save())
    assert site.cost() == 2, "a PATCH and a look"
    error = failed.value
    assert isinstance(error, orm.ConflictError) and not error.is_outcome_unknown and not error.is_retryable
    assert error.instance is ours and error.instance.raw()["name"] == before
    assert (error.current.name, type(error.current), error.fields) == ("theirs", type(ours), ("name",))
    assert (ours.name, ours.kind) == ("ours", "k"), "still to be saved"
    assert (await settle(site.items("tagged").get(id=1))).name == "theirs"


@writes
async def test_a_row_that_nobody_else_has_changed_costs_no_more(site):
    item = await settle(site.items("tagged").get(id=1))
    site.cost()
    item.name = "once"
    await settle(item.save())
    assert site.cost() == 1
    item.name = "twice"
    await settle(item.save())
    assert site.cost() == 2, "the answer to the write named no version"
    await settle(item.refresh_from_api())
    await settle(item.delete())
    assert site.cost() == 2
    with pytest.raises(orm.DoesNotExist):
        await settle(site.items("tagged").get(id=1))


@writes
async def test_a_row_that_was_saved_is_not_written_over_another_s_change(site):
    ours = await settle(site.items("tagged").get(id=6))
    ours.name = "ours"
    await settle(ours.save())
    theirs = await settle(site.items("tagged").get(id=6))
    theirs.name = "theirs"
    await settle(theirs.save())
    ours.name = "ours again"
    site.cost()
    with pytest.raises(orm.ConflictError) as failed:
        await settle(ours.save())
    assert site.cost() == 1, "a look"
    assert type(failed.value) is orm.ConflictError and failed.value.fields == ("name",)
    assert (failed.value.instance, failed.value.current.name) == (ours, "theirs")
    with pytest.raises(orm.ConflictError):
        await settle(ours.delete())
    await settle(ours.refresh_from_api())
    assert ours.name == "theirs"
    ours.kind = "ours"
    await settle(ours.save())
    theirs.name = "theirs again"
    await settle(theirs.save())
    assert theirs.kind == "ours"


@writes
async def test_a_delete_can_look_first(site):
    items = site.items("plain-on")
    [ours] = await settle(items.filter(id=7))
    theirs = await settle(items.get(id=7))
    theirs.name = "theirs"
    await settle(theirs.save())
    with pytest.raises(orm.ConflictError) as failed:
        await settle(ours.delete(check=True))
    assert (failed.value.fields, failed.value.current.name) == (("name",), "theirs")
    await settle(ours.refresh_from_api())
    site.cost()
    await settle(ours.delete(check=True))
    assert site.cost() == 2, "a look and a DELETE"


@writes
async def test_a_row_that_was_read_again_is_saved(site):
    ours, theirs = await two(site, 1)
    theirs.name = "theirs"
    await settle(theirs.save())
    ours.name = "ours"
    with pytest.raises(orm.ConflictError):
        await settle(ours.save())
    await settle(ours.refresh_from_api())
    ours.name += " and ours"
    await settle(ours.save())
    assert (await settle(site.items("tagged").get(id=1))).name == "theirs and ours"


@writes
async def test_a_row_that_another_has_changed_is_not_deleted(site):
    ours, theirs = await two(site, 2)
    theirs.name = "theirs"
    await settle(theirs.save())
    with pytest.raises(orm.PreconditionFailedError) as failed:
        await settle(ours.delete())
    assert failed.value.instance is ours and failed.value.current.name == "theirs"
    await settle(ours.refresh_from_api())
    await settle(ours.delete())


@writes
async def test_a_row_that_is_gone_is_no_conflict(site):
    ours, theirs = await two(site, 3)
    await settle(theirs.delete())
    ours.name = "ours"
    with pytest.raises(type(ours).DoesNotExist):
        await settle(ours.save())
    with pytest.raises(type(ours).DoesNotExist):
        await settle(ours.delete())


@writes
async def test_changes_of_other_fields_are_merged(site):
    ours, theirs = await two(site, 1)
    theirs.name = "theirs"
    await settle(theirs.save())
    ours.kind = "ours"
    site.cost()
    await settle(ours.save(on_conflict="merge"))
    assert site.cost() == 3, "PATCH, GET, PATCH"
    assert (ours.name, ours.kind) == ("theirs", "ours")
    now = await settle(site.items("tagged").get(id=1))
    assert values(now) == values(ours)
    await settle(ours.refresh_from_api())
    now.kind = "theirs"
    await settle(now.save())
    ours.kind = "ours again"
    with pytest.raises(orm.PreconditionFailedError) as failed:
        await settle(ours.save(on_conflict="merge"))
    assert failed.value.fields == ("kind",)


@writes
async def test_a_check_sees_what_others_have_changed(site):
    for endpoint in ["tagged", "plain-on"]:
        items = site.items(endpoint)
        [ours] = await settle(items.filter(id=4))
        theirs = await settle(items.get(id=4))
        theirs.kind = "theirs"
        await settle(theirs.save())
        ours.name = f"ours {endpoint}"
        site.cost()
        await settle(ours.save(check=True))
        assert site.cost() == 2, "a look and a PATCH"
        assert ours.kind == "theirs"
        theirs = await settle(items.get(id=4))
        theirs.kind = "more"
        await settle(theirs.save())
        ours.kind = "ours"
        site.cost()
        with pytest.raises(orm.ConflictError) as failed:
            await settle(ours.save(check=True))
        assert site.cost() == 1
        assert type(failed.value) is orm.ConflictError and failed.value.status_code is None
        assert (failed.value.fields, failed.value.current.kind) == (("kind",), "more")
        await settle(theirs.refresh_from_api())
        theirs.kind = ""
        await settle(theirs.save())


@writes
async def test_a_server_that_refuses_its_own_tags_is_written_to(site):
    ours = await settle(site.items("tagged-weakly").get(id=5))
    ours.name = "once"
    site.cost()
    await settle(ours.save())
    assert site.cost() == 5, "two refused, each with a look, and one without a condition"
    ours, theirs = await two(site, 5, "tagged-weakly")
    ours.name = "twice"
    site.cost()
    await settle(ours.save())
    assert site.cost() == 2, "from then on a look and a write"
    theirs.name = "theirs"
    with pytest.raises(orm.ConflictError):
        await settle(theirs.save())
    assert (await settle(site.items("tagged-weakly").get(id=5))).name == "twice"
