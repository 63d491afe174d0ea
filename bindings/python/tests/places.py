"""Models that are registered at a client of their own, and what it costs to use them; in both halves."""

from __future__ import annotations

import asyncio
import contextlib

import django_api_orm as orm
import pytest
from conftest import TOKEN

KINDS = ("sync", "async")
both = pytest.mark.parametrize("kind", KINDS)


class Place:
    """A client with its models, and the requests that it has made."""

    def __init__(self, base_url, kind, models):
        self.kind = kind
        self.client = (orm.ServiceClient if kind == "sync" else orm.AsyncServiceClient)(base_url, auth_token=TOKEN)
        (orm.register_models if kind == "sync" else orm.register_async_models)(self.client, *models)
        self._counted = 0

    def cost(self):
        """The requests since it was asked last."""
        before, self._counted = self._counted, self.client.stats.requests
        return self._counted - before

    def close(self):
        if self.kind == "sync":
            self.client.close()
        else:
            asyncio.run(self.client.close())


@contextlib.contextmanager
def places(make):
    """Makes places, and closes them in the end."""
    with contextlib.ExitStack() as made:

        def place(*args, **kwargs):
            here = make(*args, **kwargs)
            made.callback(here.close)
            return here

        yield place
