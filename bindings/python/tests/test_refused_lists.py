"""Lists of values that the client makes by itself, and that a server refuses, as django-filter does on a many-to-many field."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import django_api_orm as orm
import pytest
from contract.site import settle
from pydantic import BaseModel
from serving import Handler, Loopback


class _Tag(BaseModel):
    id: int | None = None
    name: str


class _Part(BaseModel):
    id: int | None = None
    tags: orm.ManyToMany[Tag]


class _AsyncPart(BaseModel):
    id: int | None = None
    tags: orm.ManyToMany[AsyncTag]


class Tag(orm.APIModel):
    _schema_class = _Tag
    _endpoint = "/tags/"
    parts = orm.Related("Part", "tags")


class AsyncTag(orm.AsyncAPIModel):
    _schema_class = _Tag
    _endpoint = "/tags/"
    parts = orm.Related("AsyncPart", "tags")


class Part(orm.APIModel):
    _schema_class = _Part
    _endpoint = "/parts/"


class AsyncPart(orm.AsyncAPIModel):
    _schema_class = _AsyncPart
    _endpoint = "/parts/"


HALVES = {
    "sync": (Part, Tag, orm.ServiceClient, orm.register_models),
    "async": (AsyncPart, AsyncTag, orm.AsyncServiceClient, orm.register_async_models),
}
TAGS = [{"id": key, "name": f"t{key}"} for key in (1, 2, 3)]
PARTS = [{"id": key, "tags": [tag for tag in (1, 2, 3) if key % (tag + 1) == 0]} for key in range(1, 13)]


class Site(Loopback):
    """Tags and parts, which are filtered by one tag; by a list of them with the message of django-filter."""

    def __init__(self):
        lists = self.lists = []

        class Answers(Handler):
            def do_GET(self):
                url = urlsplit(self.path)
                asked = parse_qs(url.query)
                if "tags__in" in asked:
                    lists.append(self.path)
                    return self.answer(400, {"tags__in": ["Enter a list of values."]})
                rows = TAGS if url.path == "/tags/" else PARTS
                if "tags" in asked:
                    rows = [row for row in rows if int(asked["tags"][-1]) in row["tags"]]
                return self.answer_page(rows)

        super().__init__(Answers)


@pytest.fixture(params=HALVES)
def here(request):
    parts, tags, client_class, register = HALVES[request.param]
    with Site() as site:
        register(client_class(site.base_url), parts, tags)
        yield parts, tags, site


def keys(rows):
    return sorted(row.id for row in rows)


async def test_an_or_is_evaluated_where_its_list_is_refused(here):
    parts, _, site = here
    either = parts.objects.filter(orm.Q(tags=1) | orm.Q(tags=2))
    right = [row["id"] for row in PARTS if {1, 2} & {*row["tags"]}]
    assert keys(await settle(either)) == right
    assert await settle(either.count()) == len(right)
    assert len(site.lists) == 1
    others = parts.objects.filter(orm.Q(tags=3) | orm.Q(tags=2))
    assert keys(await settle(others)) == [row["id"] for row in PARTS if {3, 2} & {*row["tags"]}]
    await settle(parts.objects.filter(orm.Q(tags=3) | orm.Q(tags=1)))
    assert len(site.lists) == 2
    other = site.lists.copy()
    with pytest.raises(orm.APIException):
        # A part that the server refuses by itself.
        await settle(parts.objects.parameters(tags__in="1,2"))
    assert len(site.lists) == len(other) + 1


async def test_a_loop_over_related_rows_asks_one_by_one(here):
    _, tags, site = here
    for _ in range(3):
        for tag in await settle(tags.objects.all()):
            found = await settle(tag.parts.all())
            assert keys(found) == [row["id"] for row in PARTS if tag.id in row["tags"]]
    assert len(site.lists) <= 2
    for tag in await settle(tags.objects.prefetch_related("parts")):
        assert keys(await settle(tag.parts.all())) == [row["id"] for row in PARTS if tag.id in row["tags"]]
    assert len(site.lists) <= 2
