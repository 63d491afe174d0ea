"""What only the synchronous API has: ``for`` over a queryset, ``len`` and indexing."""

from __future__ import annotations

import pytest

from .site import ids, sync_only

pytestmark = sync_only


async def test_a_queryset_can_be_iterated(site):
    active = list(site.users.filter(active=True))
    assert len(active) == 150 and all(user.active for user in active)
    assert [user.name for user in site.users.all()[:2]] == ["Alice Smith", "Bob Jones"]


# Python's own


async def test_a_queryset_is_a_sequence(site):
    users = site.users.all()
    assert users[9].id == 10
    assert site.cost() == 1
    assert len(users) == 250 and bool(users)
    site.cost()
    assert ids(users[5:8]) == [6, 7, 8] and users[249].id == 250
    assert site.cost() == 0, "kept"
    with pytest.raises(IndexError):
        users[250]
    with pytest.raises(IndexError):
        site.users.all()[250]
