"""Every lookup on text.

Whether `A` is `a` is the database's to say: SQLite, which both servers have, ignores the case of ASCII letters in
`contains`, `startswith` and `endswith` too. The first cases look for texts where that makes no difference.
"""

from __future__ import annotations

import re

from . import fixture
from .site import ITEMS, ids, settle


async def finds(site, condition, **lookups):
    """Checks that a filter finds the users for whose name the condition holds: some, and not all of them."""
    expected = fixture.ids_of(fixture.USERS, lambda user: condition(user.name))
    assert 1 <= len(expected) < 250, f"{lookups} says nothing: {len(expected)} rows"
    assert ids(await settle(site.users.filter(**lookups))) == expected, lookups
    assert await settle(site.users.filter(**lookups).count()) == len(expected), lookups
    assert not site.warnings()


async def test_contains(site):
    await finds(site, lambda name: "arol" in name, name__contains="arol")
    await finds(site, lambda name: ", " in name, name__contains=", ")
    await finds(site, lambda name: "é" in name, name__contains="é")


async def test_what_is_a_wildcard_in_sql_is_plain_text(site):
    await finds(site, lambda name: "%" in name, name__contains="%")
    await finds(site, lambda name: "_" in name, name__contains="_")
    await finds(site, lambda name: name.startswith("100%"), name__startswith="100%")


async def test_icontains(site):
    await finds(site, lambda name: "alice" in name.lower(), name__icontains="ALICE")


async def test_startswith(site):
    await finds(site, lambda name: name.startswith("Carol"), name__startswith="Carol")


async def test_istartswith(site):
    await finds(site, lambda name: name.lower().startswith("alice"), name__istartswith="aLICE")


async def test_endswith(site):
    await finds(site, lambda name: name.endswith("Wright"), name__endswith="Wright")


async def test_iendswith(site):
    await finds(site, lambda name: name.lower().endswith("smith"), name__iendswith="sMITH")


async def test_iexact(site):
    await finds(site, lambda name: name.lower() == "alice smith", name__iexact="alice SMITH")
    assert ids(await settle(site.users.filter(email__iexact="USER7@example.COM"))) == [7]


async def test_regex(site):
    await finds(site, lambda name: name.startswith("A") and name.endswith("h"), name__regex="^A.*h$")
    await finds(site, lambda name: re.search("[0-9]", name), name__regex=r"\d")


async def test_the_servers_collation_is_trusted(site):
    expected = fixture.ids_of(fixture.USERS, lambda user: "alice" in user.name.lower())
    assert await settle(site.users.filter(name__contains="ALICE").count()) == len(expected), "SQLite's LIKE"
    assert not site.warnings()


async def test_text_that_a_query_string_cannot_say(site):
    # An empty parameter is no filter for django-filter, and blanks at the ends are cut off.
    expected = fixture.ids_of(fixture.ITEMS, lambda item: item.kind == "")
    for endpoint in ITEMS:
        items = site.items(endpoint)
        assert ids(await settle(items.filter(kind=""))) == expected, endpoint
        assert ids(await settle(items.filter(kind=" toy"))) == [], endpoint


async def test_search(site):
    expected = fixture.ids_of(fixture.USERS, lambda user: "alice" in user.name.lower() and "smith" in user.name.lower())
    assert ids(await settle(site.users.search("alice smith"))) == expected
    assert await settle(site.users.search("alice").count()) == 20
    expected = fixture.ids_of(fixture.USERS, lambda user: user.active and "alice" in user.name.lower())
    assert ids(await settle(site.users.filter(active=True).search("alice"))) == expected
    assert await settle(site.users.search("no such words").exists()) is False


async def test_extra_parameters(site):
    # What a parameter does is the server's business: here one that it filters on, and one that it does not know.
    expected = fixture.ids_of(fixture.USERS, lambda user: user.role == "admin")
    users = site.users.all()
    assert ids(await settle(users.parameters(role="admin", expand="team"))) == expected
    assert await settle(users.parameters(role="admin").count()) == len(expected)
    expected = fixture.ids_of(fixture.USERS, lambda user: user.role == "admin" and user.active)
    assert ids(await settle(site.users.filter(active=True).parameters(role="admin"))) == expected
