"""An instance wherever a key belongs, in every form that documents it, on the reference site."""

from __future__ import annotations

import pytest
from contract.site import settle
from django_api_orm import Q
from library import BOOKS, writer_of
from test_relations import both, place, put_back  # noqa: F401

#: Every form of the books, but where the rows show which form is written: they have been read first.
forms = pytest.mark.parametrize("form", ["", "-slug", "-nested"])


@both
@forms
async def test_an_instance_stands_for_its_key(place, kind, form, put_back):  # noqa: F811
    here = place(kind, form)
    writer = await settle(here.models.Writer.objects.get(id=3))
    other = await settle(here.models.Writer.objects.get(id=4))
    key = "writer-3" if form == "-slug" else 3

    created = await settle(here.books.create(title="A", writer=writer, genres=[]))
    by_key = await settle(here.books.create(title="B", writer_id=key, genres=[]))
    assert {(await settle(new.writer)).id for new in (created, by_key)} == {3}
    created.writer = other
    await settle(created.save())
    assert (await settle((await settle(here.books.get(id=created.id))).writer)).id == 4

    own = [book for book in BOOKS if writer_of(book) == 3]
    if form != "-slug":
        assert sorted(book.id for book in await settle(here.books.filter(writer=writer))) == [*own, by_key.id]
        both_writers = here.books.filter(writer__in=[writer, other])
        assert await settle(both_writers.count()) == len([book for book in BOOKS if writer_of(book) in (3, 4)]) + 2
        either = here.books.filter(Q(writer=writer) | Q(id=created.id))
        assert await settle(either.count()) == len(own) + 2
    assert await settle(here.books.filter(id=by_key.id).update(writer=other)) == 1
    assert (await settle((await settle(here.books.get(id=by_key.id))).writer)).id == 4

    found, is_new = await settle(here.books.get_or_create(id=by_key.id, defaults={"writer": writer}))
    assert (found.id, is_new) == (by_key.id, False)
    found, is_new = await settle(here.books.get_or_create(title="C", defaults={"writer": writer, "genres": []}))
    assert (is_new, (await settle(found.writer)).id) == (True, 3)
    if form != "-slug":
        again, is_new = await settle(here.books.get_or_create(title="C", writer=writer))
        assert (again.id, is_new) == (found.id, False)
        new, is_new = await settle(here.books.get_or_create(title="D", writer=writer, defaults={"genres": []}))
        assert (is_new, (await settle(new.writer)).id) == (True, 3)
    changed, is_new = await settle(here.books.update_or_create(title="C", defaults={"writer": other}))
    assert (changed.id, is_new, (await settle(changed.writer)).id) == (found.id, False, 4)
    made = await settle(here.books.bulk_create([{"title": "E", "writer": writer, "genres": []}]))
    assert (await settle(made[0].writer)).id == 3
