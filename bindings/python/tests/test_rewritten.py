"""Servers that write a value down in a spelling of their own, or drop it: each call must not create another row."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django_api_orm import APIModel, AsyncAPIModel, UnsavedError, UnsupportedError
from pydantic import BaseModel
from serving import Handler, Loopback
from test_writes import model, settle


class Thing(BaseModel):
    id: int | None = None
    address: str = ""
    site_id: int | None = None
    name: str = ""


def _ipv6(text):
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


#: What a program asks for, and how the server spells it.
SPELLINGS = {
    "MAC address": ("AA-BB-CC-00-11-22", lambda text: text.lower().replace("-", ":")),
    "e-mail": ("Ann@Example.ORG", str.lower),
    "blanks": ("  a name ", str.strip),
    "IPv6": ("2001:0DB8:0000:0000:0000:0000:0000:0001", _ipv6),
}


class Site(Loopback):
    """Rows in memory. Values are spelt by `spell` when they are written, and in filters, too, if the server is `lenient`."""

    token = None

    def __init__(self, spell, lenient):
        self.rows: list[dict[str, Any]] = [{"id": 1, "address": "there", "site_id": None, "name": "one"}]
        rows, self.posts = self.rows, []
        posts = self.posts

        class Answers(Handler):
            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                url = urlsplit(self.path)
                key = url.path.strip("/").rpartition("/")[2]
                if key.isdigit():
                    found = [row for row in rows if row["id"] == int(key)]
                    return self.answer(200, found[0]) if found else self.answer(404, {})
                asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
                asked = {name: value for name, value in asked.items() if name in ("id", "address", "site_id", "name")}
                if lenient and "address" in asked:
                    asked["address"] = spell(asked["address"])
                found = [row for row in rows if all(str(row[name]) == value for name, value in asked.items())]
                return self.answer(200, {"count": len(found), "next": None, "previous": None, "results": found})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                posts.append(body)
                # A read-only name is dropped, as DRF drops it.
                row = {"address": "", "name": "", **body, "site_id": None, "id": len(rows) + 1}
                rows.append({**row, "address": spell(row["address"])})
                self.answer(201, rows[-1])

            def do_PATCH(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(200, rows[-1])

        super().__init__(Answers)


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("method", ["get_or_create", "update_or_create"])
@pytest.mark.parametrize("lenient", [True, False])
@pytest.mark.parametrize(("asked", "spell"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_value_in_another_spelling_creates_one_row(asked, spell, lenient, method, base):
    """Found again by the server, it is the row that was asked for, which is not written to; else the error carries the row."""
    # Blanks at the ends are no part of a query string, so that nothing finds such a row.
    is_found = lenient and asked.strip() == asked

    async def main(site):
        things = model(site, Thing, base).objects

        async def call():
            return await settle(getattr(things, method)(address=asked, defaults={"name": ""}))

        if is_found:
            row, created = await call()
            assert (row.id, row.address, created) == (2, spell(asked), True)
        else:
            with pytest.raises(UnsavedError, match=r"was created \(id: 2\).*`address`") as error:
                await call()
            assert (error.value.instance.pk, error.value.instance.address) == (2, spell(asked))
        for _ in range(2):
            if is_found and method == "get_or_create":
                row, created = await call()
                assert (row.id, created) == (2, False)
            elif is_found:
                with pytest.raises(UnsupportedError):
                    await call()
            else:
                with pytest.raises(UnsavedError, match="none was created"):
                    await call()

    with Site(spell, lenient) as site:
        asyncio.run(main(site))
        assert len(site.posts) == 1


@pytest.mark.parametrize("base", [APIModel, AsyncAPIModel])
@pytest.mark.parametrize("method", ["get_or_create", "update_or_create"])
def test_a_name_that_only_the_server_writes_creates_one_row(method, base):
    async def main(site):
        things = model(site, Thing, base).objects
        with pytest.raises(UnsavedError, match="did not keep `site_id`") as error:
            await settle(getattr(things, method)(site_id=2, defaults={"name": "x"}))
        assert (error.value.instance.pk, error.value.instance.site_id) == (2, None)
        for again in ("get_or_create", "update_or_create"):
            for value in (2, 3):
                with pytest.raises(UnsavedError, match="none was created"):
                    await settle(getattr(things, again)(site_id=value, defaults={"name": "x"}))
        row = error.value.instance
        row.site_id = 2
        with pytest.raises(UnsavedError, match="did not keep `site_id`"):
            await settle(row.save())

    with Site(str, False) as site:
        asyncio.run(main(site))
        assert len(site.posts) == 1
