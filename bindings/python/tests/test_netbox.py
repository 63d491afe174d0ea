"""Models of NetBox: what a row points at is shown as a brief object, written as a key, and filtered by under another name."""

from __future__ import annotations

import json
import types
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import django_api_orm as orm
import pytest
from contract.site import settle
from django_api_orm import ForeignKey, ManyToMany, Related, relation
from places import both
from pydantic import BaseModel
from serving import Handler, Loopback

DEVICES = range(1, 121)


def site_of(device):
    return device % 8 + 1


class Netbox:
    """Sites, tags and devices. A parameter that comes several times wants either value; one that is not known is ignored."""

    def __init__(self):
        self.sites = {n: {"id": n, "name": f"Site {n}", "slug": f"site-{n}", "status": "active"} for n in range(1, 9)}
        self.tags = {n: {"id": n, "name": f"Tag {n}", "slug": f"tag-{n}", "color": "ff0000"} for n in range(1, 4)}
        self.devices = {n: {"id": n, "name": f"Device {n}", "site": site_of(n), "tags": [n % 3 + 1]} for n in DEVICES}
        self.asked = []
        self.written = []

    def brief(self, kind, row):
        short = {name: row[name] for name in ("id", "name", "slug")}
        return {**short, "url": f"http://netbox/api/{kind}/{row['id']}/", "display": row["name"]}

    def shown(self, row):
        if "site" not in row:
            return row
        site, tags = self.brief("dcim/sites", self.sites[row["site"]]), [self.tags[tag] for tag in row["tags"]]
        return {**row, "site": site, "tags": [self.brief("extras/tags", tag) for tag in tags]}

    def rows(self, kind, query):
        table = {"sites": self.sites, "tags": self.tags, "devices": self.devices}[kind]
        filters = {
            "id": lambda row: row["id"],
            "name": lambda row: row["name"],
            # By its slug, though the row shows an object.
            "site": lambda row: self.sites[row["site"]]["slug"] if "site" in row else None,
            "site_id": lambda row: row.get("site"),
            "slug": lambda row: row.get("slug"),
        }
        rows = list(table.values())
        for name, values in query.items():
            if name in filters:
                rows = [row for row in rows if str(filters[name](row)) in values]
        return [self.shown(row) for row in rows]

    def handler(netbox):
        class Answering(Handler):
            def answer(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                netbox.asked.append(self.path)
                url = urlsplit(self.path)
                query = parse_qs(url.query)
                kind, *key = url.path.strip("/").split("/")[2:]
                if key:
                    found = netbox.rows(kind, {"id": key})
                    self.answer(200 if found else 404, found[0] if found else {"detail": "Not found."})
                    return
                rows = netbox.rows(kind, query)
                offset, limit = int(query.get("offset", ["0"])[0]), min(int(query.get("limit", ["50"])[0]), 1000)
                more = offset + limit < len(rows)
                link = f"http://netbox{url.path}?limit={limit}&offset={offset + limit}" if more else None
                previous = f"http://netbox{url.path}?limit={limit}" if offset else None
                page = {"count": len(rows), "next": link, "previous": previous, "results": rows[offset : offset + limit]}
                self.answer(200, page)

            def body(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                netbox.written.append(dict(body))
                key = lambda value: value["id"] if isinstance(value, dict) else value  # noqa: E731
                if "site" in body:
                    body["site"] = key(body["site"])
                if "tags" in body:
                    body["tags"] = [key(tag) for tag in body["tags"]]
                return body

            def do_PATCH(self):
                row = netbox.devices[int(self.path.strip("/").split("/")[-1])]
                row.update(self.body())
                self.answer(200, netbox.shown(row))

            def do_POST(self):
                row = {"id": max(netbox.devices) + 1, "tags": [], **self.body()}
                netbox.devices[row["id"]] = row
                self.answer(201, netbox.shown(row))

        return Answering


@pytest.fixture
def netbox():
    made = Netbox()
    with Loopback(made.handler()) as server:
        made.base_url = server.base_url
        yield made


class SiteSchema(BaseModel):
    id: int | None = None
    name: str
    slug: str
    status: str


class TagSchema(BaseModel):
    id: int | None = None
    name: str
    slug: str


def models(kind, netbox, **declared):
    base = orm.APIModel if kind == "sync" else orm.AsyncAPIModel

    class Site(base):
        _schema_class = SiteSchema
        _endpoint = "/api/dcim/sites/"
        _repeated_values = True
        devices = Related("Device", "site")

    class Tag(base):
        _schema_class = TagSchema
        _endpoint = "/api/extras/tags/"

    class DeviceSchema(BaseModel):
        id: int | None = None
        name: str
        site: Annotated[ForeignKey[Site], relation(filter="site_id")]
        tags: ManyToMany[Tag] = []

    class Device(base):
        _schema_class = DeviceSchema
        _endpoint = "/api/dcim/devices/"
        _repeated_values = True

    client = (orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient)(netbox.base_url)
    (orm.register_models if kind == "sync" else orm.register_async_models)(client, Site, Tag, Device)
    return types.SimpleNamespace(Site=Site, Tag=Tag, Device=Device, client=client)


@both
async def test_a_brief_object_is_the_key_and_what_it_lacks_is_asked_for(kind, netbox):
    here = models(kind, netbox)
    device = await settle(here.Device.objects.get(id=3))
    assert (device.site_id, netbox.asked) == (4, ["/api/dcim/devices/3/"])
    site = await settle(device.site)
    assert (site.name, site.status) == ("Site 4", "active")
    # The tags show every field of the schema.
    assert [tag.slug for tag in await settle(device.tags.all())] == ["tag-1"]
    assert await settle(device.site) is site
    assert netbox.asked[1] == "/api/dcim/sites/4/"
    await settle(here.client.close())


@both
async def test_related_rows_are_fetched_with_the_devices(kind, netbox):
    here = models(kind, netbox)
    for query in (here.Device.objects.select_related("site"), here.Device.objects.prefetch_related("site", "tags")):
        await settle(here.Device.objects.all())
        netbox.asked.clear()
        devices = await settle(query)
        assert len(devices) == 120
        for device in devices:
            assert (await settle(device.site)).status == "active"
            assert (await settle(device.site)).id == site_of(device.id)
        asked = [path for path in netbox.asked if "devices" not in path]
        assert [path.partition("&limit")[0] for path in asked] == [
            "/api/dcim/sites/?" + "&".join(f"id={n}" for n in dict.fromkeys(map(site_of, DEVICES)))
        ]
        assert [tag.id for device in devices for tag in await settle(device.tags.all())] == [n % 3 + 1 for n in DEVICES]
    assert query.explain().requests(120, site=8, tags=0) == 3 + 1
    await settle(here.client.close())


@both
async def test_filters_go_by_the_name_that_is_declared(kind, netbox):
    here = models(kind, netbox)
    site = await settle(here.Site.objects.get(slug="site-2"))
    own = [device for device in DEVICES if site_of(device) == 2]
    for query in (
        here.Device.objects.filter(site=site),
        here.Device.objects.filter(site_id=2),
        site.devices.all(),
        here.Device.objects.filter(site__slug="site-2"),
    ):
        assert [device.id for device in await settle(query)] == own
    assert here.Device.objects.filter(site=site).explain().pushed == [("site_id", "2")]
    query = here.Device.objects.filter(site__in=[1, 2])
    assert query.explain().pushed == [("site_id", "1"), ("site_id", "2")]
    assert await settle(query.count()) == 30
    # Twice the same parameter would mean either.
    query = here.Device.objects.filter(site__in=[1, 2], site=site)
    assert query.explain().pushed == [("site_id", "1"), ("site_id", "2")]
    assert [device.id for device in await settle(query)] == own
    rest = await settle(here.Device.objects.exclude(site=site))
    assert [device.id for device in rest] == [device for device in DEVICES if site_of(device) != 2]
    sites = await settle(here.Site.objects.prefetch_related("devices"))
    for each in sites:
        assert {device.id for device in await settle(each.devices.all())} == {n for n in DEVICES if site_of(n) == each.id}
    await settle(here.client.close())


@both
async def test_keys_are_written(kind, netbox):
    here = models(kind, netbox)
    site, device = await settle(here.Site.objects.get(id=5)), await settle(here.Device.objects.get(id=3))
    device.site = site
    assert device.changes() == {"site": 5}
    await settle(device.save())
    assert netbox.written == [{"site": 5}]
    assert (device.site_id, device.changes()) == (5, {})
    assert await settle(device.site) is site
    device.site_id = 6
    await settle(device.save())
    assert (await settle(here.Device.objects.get(id=3))).site_id == 6
    tag = await settle(here.Tag.objects.get(id=2))
    await settle(device.tags.add(tag))
    assert netbox.written[-1] == {"tags": [1, 2]}
    new = await settle(here.Device.objects.create(name="New", site=site, tags=[tag]))
    assert netbox.written[-1] == {"name": "New", "site": 5, "tags": [2]}
    assert (new.site_id, [tag.name for tag in await settle(new.tags.all())]) == (5, ["Tag 2"])
    found, is_new = await settle(here.Device.objects.get_or_create(name="Newer", site=site))
    assert (is_new, found.site_id) == (True, 5)
    again, is_new = await settle(here.Device.objects.get_or_create(name="Newer", site=site))
    assert (is_new, again.id) == (False, found.id)
    await settle(here.client.close())
