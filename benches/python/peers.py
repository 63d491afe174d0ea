"""The HTTP clients, each with as many connections kept as this package keeps. A peer is imported in its own process only."""

from __future__ import annotations

from typing import Any

from by_hand import Asynchronous, Blocking, OverHttp2

CONNECTIONS = 100
JSON = {"Content-Type": "application/json"}


class Httpx(Blocking, Asynchronous, OverHttp2):
    def __init__(self, base_url: str) -> None:
        import httpx

        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._base_url = base_url
        self._client = httpx.Client(limits=limits)
        self._async_client = httpx.AsyncClient(limits=limits)
        self._http2_client = httpx.AsyncClient(limits=limits, http1=False, http2=True)

    def _get(self, url: str) -> bytes:
        return self._client.get(url).raise_for_status().content

    def _post(self, url: str, body: bytes) -> bytes:
        return self._client.post(url, content=body, headers=JSON).raise_for_status().content

    async def _aget(self, url: str) -> bytes:
        return (await self._async_client.get(url)).raise_for_status().content

    async def _aget_http2(self, url: str) -> bytes:
        return (await self._http2_client.get(url)).raise_for_status().content


class Aiohttp(Asynchronous):
    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session: Any = None

    async def _aget(self, url: str) -> bytes:
        if self._session is None:
            import aiohttp

            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            self._session = aiohttp.ClientSession(connector=connector, raise_for_status=True)
        async with self._session.get(url) as response:
            body: bytes = await response.read()
            return body


class Requests(Blocking):
    def __init__(self, base_url: str) -> None:
        import requests

        self._base_url = base_url
        self._session = requests.Session()

    def _get(self, url: str) -> bytes:
        response = self._session.get(url)
        response.raise_for_status()
        return response.content

    def _post(self, url: str, body: bytes) -> bytes:
        response = self._session.post(url, data=body, headers=JSON)
        response.raise_for_status()
        return response.content


class Niquests(Blocking, Asynchronous):
    def __init__(self, base_url: str) -> None:
        import niquests

        self._base_url = base_url
        self._session = niquests.Session()
        self._async_session = niquests.AsyncSession(pool_maxsize=CONNECTIONS)

    def _get(self, url: str) -> bytes:
        return self._session.get(url).raise_for_status().content or b""

    def _post(self, url: str, body: bytes) -> bytes:
        return self._session.post(url, data=body, headers=JSON).raise_for_status().content or b""

    async def _aget(self, url: str) -> bytes:
        return (await self._async_session.get(url)).raise_for_status().content or b""


class Pyreqwest(Blocking, Asynchronous, OverHttp2):
    def __init__(self, base_url: str) -> None:
        from pyreqwest.client import ClientBuilder, SyncClientBuilder

        self._base_url = base_url
        self._client = SyncClientBuilder().error_for_status(True).build()
        self._async_client = ClientBuilder().error_for_status(True).build()
        self._http2_client = ClientBuilder().error_for_status(True).http2_prior_knowledge().build()

    def _get(self, url: str) -> bytes:
        return bytes(self._client.get(url).build().send().bytes())

    def _post(self, url: str, body: bytes) -> bytes:
        return bytes(self._client.post(url).body_bytes(body).headers(JSON).build().send().bytes())

    async def _aget(self, url: str) -> bytes:
        return bytes(await (await self._async_client.get(url).build().send()).bytes())

    async def _aget_http2(self, url: str) -> bytes:
        return bytes(await (await self._http2_client.get(url).build().send()).bytes())


class Wreq(Blocking, Asynchronous):
    def __init__(self, base_url: str) -> None:
        import wreq
        import wreq.blocking

        self._base_url = base_url
        self._client = wreq.blocking.Client()
        self._async_client = wreq.Client()

    def _get(self, url: str) -> bytes:
        response = self._client.get(url)
        response.raise_for_status()
        return bytes(response.bytes())

    def _post(self, url: str, body: bytes) -> bytes:
        response = self._client.post(url, body=body, headers=JSON)
        response.raise_for_status()
        return bytes(response.bytes())

    async def _aget(self, url: str) -> bytes:
        response = await self._async_client.get(url)
        response.raise_for_status()
        return bytes(await response.bytes())


PEERS = {
    "httpx": Httpx,
    "aiohttp": Aiohttp,
    "requests": Requests,
    "niquests": Niquests,
    "pyreqwest": Pyreqwest,
    "wreq": Wreq,
}
