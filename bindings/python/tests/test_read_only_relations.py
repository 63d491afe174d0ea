"""Related rows that the server shows as objects and takes no keys for: no write is told as done that was not."""

from __future__ import annotations

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
    title: str = ""
    owner: orm.ForeignKey[Tag] | None = None
    tags: orm.ManyToMany[Tag] = []


class _AsyncPart(BaseModel):
    id: int | None = None
    title: str = ""
    owner: orm.ForeignKey[AsyncTag] | None = None
    tags: orm.ManyToMany[AsyncTag] = []


class Tag(orm.APIModel):
    _schema_class = _Tag
    _endpoint = "/tags/"


class AsyncTag(orm.AsyncAPIModel):
    _schema_class = _Tag
    _endpoint = "/tags/"


class Part(orm.APIModel):
    _schema_class = _Part
    _endpoint = "/parts/"


class AsyncPart(orm.AsyncAPIModel):
    _schema_class = _AsyncPart
    _endpoint = "/parts/"


HALVES = {
    "sync": (Part, orm.ServiceClient, orm.register_models, Tag),
    "async": (AsyncPart, orm.AsyncServiceClient, orm.register_async_models, AsyncTag),
}
TAGS = [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}]


class Site(Loopback):
    """Two parts with nested objects that are read-only, as `OwnerSerializer(read_only=True)` makes them."""

    def __init__(self):
        rows = self.rows = {key: {"id": key, "title": "a", "owner": TAGS[1], "tags": TAGS} for key in (1, 2)}

        class Answers(Handler):
            def body(self):
                sent = self.sent()
                return {name: value for name, value in sent.items() if name == "title"}

            def key(self):
                key = self.path.partition("?")[0].strip("/").rpartition("/")[2]
                return int(key) if key.isdigit() else None

            def do_GET(self):
                if self.key():
                    return self.answer(200, rows[self.key()])
                found = [row for row in rows.values() if f"title={row['title']}" in self.path or "?" not in self.path]
                return self.answer_page(found)

            def do_POST(self):
                key = len(rows) + 1
                rows[key] = {"id": key, "title": "", "owner": None, "tags": [], **self.body()}
                self.answer(201, rows[key])

            def do_PATCH(self):
                rows[self.key()] |= self.body()
                self.answer(200, rows[self.key()])

        super().__init__(Answers)


@pytest.fixture(params=HALVES)
def parts(request):
    model, client_class, register, tag = HALVES[request.param]
    with Site() as site:
        client = client_class(site.base_url)
        register(client, model, tag)
        yield model


async def test_a_row_that_still_points_elsewhere_was_not_saved(parts):
    part = await settle(parts.objects.get(id=1))
    part.owner_id = 1
    part.title = "b"
    with pytest.raises(orm.UnsavedError, match="did not keep `owner`") as error:
        await settle(part.save())
    assert error.value.instance is part
    assert part.title == "b"
    assert list(part.changes()) == ["owner"]
    with pytest.raises(orm.BulkWriteError, match="did not keep `owner`"):
        await settle(parts.objects.all().update(owner=1))
    with pytest.raises(orm.UnsavedError, match="did not keep `owner`"):
        await settle(parts.objects.update_or_create(id=2, defaults={"owner": 1}))


async def test_a_list_that_stays_as_it_was_was_not_saved(parts):
    for change in (
        lambda tags: tags.add(3),
        lambda tags: tags.remove(1),
        lambda tags: tags.set([1]),
        lambda tags: tags.set([3]),
        lambda tags: tags.clear(),
    ):
        part = await settle(parts.objects.get(id=1))
        with pytest.raises(orm.UnsavedError, match="did not keep `tags`"):
            await settle(change(part.tags))
    part = await settle(parts.objects.get(id=1))
    await settle(part.tags.set([2, 1]))
    await settle(part.tags.add(1))


async def test_a_new_row_that_points_elsewhere_is_told_with_the_row(parts):
    for lost in ({"owner": 1}, {"tags": [1]}):
        with pytest.raises(orm.UnsavedError, match=r"was created \(id: \d\).*did not keep `(owner|tags)`") as error:
            await settle(parts.objects.create(title="new", **lost))
        assert error.value.instance.title == "new"
        assert error.value.instance.pk is not None
    new = parts(title="other", owner=1)
    with pytest.raises(orm.UnsavedError, match="was created"):
        await settle(new.save())
    assert (new.pk, new.owner_id, new.changes()) == (5, None, {}), "as the server has it"
    await settle(new.save())
    assert new.pk == 5, "it is not created again"
    with pytest.raises(orm.BulkCreateError) as some:
        await settle(parts.objects.bulk_create([{"title": "x"}, {"title": "y", "owner": 1}]))
    assert [index for index, _ in some.value.created] == [0]
    assert isinstance(some.value.failed[0][1], orm.UnsavedError)
    with pytest.raises(orm.UnsavedError, match="was created") as error:
        await settle(parts.objects.get_or_create(title="z", defaults={"owner": 1}))
    found, created = await settle(parts.objects.get_or_create(title="z", defaults={"owner": 1}))
    assert (found.pk, created) == (error.value.instance.pk, False)


async def test_another_row_may_be_a_warning_or_nothing(parts):
    quiet = parts.objects.on_unsaved("ignore")
    part = await settle(quiet.get(id=1))
    part.owner_id = 1
    await settle(part.save())
    assert part.owner_id == 2
    assert (await settle(quiet.create(title="new", owner=1))).owner_id is None
    with pytest.warns(orm.UnsavedWarning, match="`owner`"):
        await settle(parts.objects.on_unsaved("warn").create(title="new", owner=1))
