"""Docstrings: every public name has one, says what it costs in requests, and what it says is true."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import inspect
import json
import pkgutil
import re
from functools import partial
from pathlib import Path

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncManager, AsyncQuerySet, AsyncServiceClient, Manager, QuerySet
from django_api_orm import ServiceClient as Client
from django_api_orm._client import _OPTIONS, BaseClient
from schemas import PostSchema, UserSchema

MODULES = [importlib.import_module(f"{orm.__name__}.{module.name}") for module in pkgutil.iter_modules(orm.__path__)]
DOCS = Path(__file__).parents[3] / "docs"
#: What sends requests, and therefore says how many. Each with its asynchronous twin.
SENDERS = [(Client, AsyncServiceClient), (QuerySet, AsyncQuerySet), (Manager, AsyncManager), (APIModel, AsyncAPIModel)]


def public_names():
    """`(name, object)` of everything that a program may use."""
    for module in [orm, *MODULES]:
        is_public = not module.__name__.rpartition(".")[2].startswith("_")
        for name in getattr(module, "__all__", [name for name in vars(module) if is_public and not name.startswith("_")]):
            thing = getattr(module, name)
            if getattr(thing, "__module__", "").startswith(orm.__name__):
                yield f"{module.__name__}.{name}", thing
    yield "BaseClient", BaseClient


def members(kind):
    """The public methods and properties of a class that are written in this package."""
    for name in dir(kind):
        owner = next((owner for owner in kind.__mro__ if name in vars(owner)), None)
        if name.startswith("_") or owner is None or not owner.__module__.startswith(orm.__name__):
            continue
        member = inspect.getattr_static(kind, name)
        if isinstance(member, (classmethod, staticmethod)):
            member = member.__func__
        if inspect.isfunction(member) or isinstance(member, property):
            yield name, member


def test_every_public_name_says_what_it_is():
    without = set()
    for name, thing in public_names():
        if (inspect.isclass(thing) or inspect.isroutine(thing)) and not inspect.getdoc(thing):
            without.add(name)
        if inspect.isclass(thing):
            without.update(f"{thing.__name__}.{method}" for method, member in members(thing) if not inspect.getdoc(member))
    assert not without
    assert all(inspect.getdoc(module) for module in MODULES if not module.__name__.endswith("._engine"))


def requests_part(member):
    found = re.search(r"^Requests: (.*)", inspect.getdoc(member) or "", re.MULTILINE | re.DOTALL)
    return found and found[1]


@pytest.mark.parametrize("kinds", SENDERS, ids=lambda kinds: kinds[0].__name__)
def test_what_may_send_requests_says_how_many(kinds):
    sync, later = ({name: requests_part(member) for name, member in members(kind)} for kind in kinds)
    assert not [name for name, says in {**sync, **later}.items() if not says]
    # Both halves cost the same.
    assert {name: says for name, says in later.items() if name in sync} == sync
    for function in (orm.register_models, orm.register_async_models, orm.unregister_models):
        assert requests_part(function) == "none."


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(orm).failed == 0


class User(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


class Post(APIModel):
    _schema_class = PostSchema
    _endpoint = "/api/v1/posts/"


NEW = {"name": "N", "email": "new@example.com"}


def lost(what, **of_it):
    """The error of a write to the users whose answer was lost."""
    error = orm.OutcomeUnknown("the answer was lost")
    error._lost = json.dumps({"endpoint": "/api/v1/users/", "write": {what: of_it}}).encode()
    return error


EMAILS = [f"user{number}@example.com" for number in range(150)]
#: For each method: what is done with a new client, and the requests that it sends. There are 250 users, 100 in a page.
QUERIES = {
    "as_manager": (lambda rows: QuerySet.as_manager(), 0),
    "from_queryset": (lambda rows: Manager.from_queryset(QuerySet), 0),
    "get_queryset": (lambda rows: User.objects.using(rows.client).get_queryset(), 0),
    "get_endpoint": (lambda rows: User.objects.get_endpoint(), 0),
    "at": (lambda rows: User.objects.using(rows.client).at("/api/v1/users/"), 0),
    "client": (lambda rows: rows.client, 0),
    "manager": (lambda rows: rows.all().manager, 0),
    "model": (lambda rows: rows.model, 0),
    "model_class": (lambda rows: rows.model_class, 0),
    "using": (lambda rows: rows.using(rows.client), 0),
    "all": (lambda rows: rows.all(), 0),
    "none": (lambda rows: list(rows.none()), 0),
    "filter": (lambda rows: rows.filter(name="x"), 0),
    "exclude": (lambda rows: rows.exclude(name="x"), 0),
    "order_by": (lambda rows: rows.order_by("name"), 0),
    "prefetch_related": (lambda rows: rows.prefetch_related(None), 0),
    "select_related": (lambda rows: rows.select_related(None), 0),
    "on_n_plus_one": (lambda rows: rows.on_n_plus_one("warn"), 0),
    "reverse": (lambda rows: rows.reverse(), 0),
    "search": (lambda rows: rows.search("x"), 0),
    "parameters": (lambda rows: rows.parameters(a=1), 0),
    "on_ignored": (lambda rows: rows.on_ignored("error"), 0),
    "on_drift": (lambda rows: rows.on_drift("error"), 0),
    "on_unsaved": (lambda rows: rows.on_unsaved("warn"), 0),
    "on_invalid": (lambda rows: rows.on_invalid("skip"), 0),
    "max_scan": (lambda rows: rows.max_scan(5), 0),
    "page_size": (lambda rows: rows.page_size(5), 0),
    "concurrency": (lambda rows: rows.concurrency(5), 0),
    "timeout": (lambda rows: rows.timeout(5), 0),
    "coalesce": (lambda rows: rows.coalesce(False), 0),
    "expect": (lambda rows: rows.expect(5), 0),
    "explain": (lambda rows: rows.explain(250), 0),
    "iterator": (lambda rows: list(rows.iterator()), 3),
    "keyset": (lambda rows: list(rows.keyset()), 2 + 3),
    "get": (lambda rows: rows.get(id=1), 1),
    "get, missing": (lambda rows: rows.get(id=9999), 1 + 2),
    "get, missing where rows have been read": (lambda rows: (rows.get(id=1), rows.get(id=9999)), 1 + 1),
    "get, not by key": (lambda rows: rows.get(email="user1@example.com"), 1),
    "first": (lambda rows: rows.first(), 1),
    "first, ordered": (lambda rows: rows.order_by("name").first(), 1 + 2),
    "last": (lambda rows: rows.last(), 2),
    "earliest": (lambda rows: rows.earliest("name"), 1 + 2),
    "latest": (lambda rows: rows.latest("name"), 1 + 2),
    "last, ordered": (lambda rows: rows.order_by("name").last(), 1 + 2),
    "count": (lambda rows: rows.count(), 1),
    "count, filtered": (lambda rows: rows.filter(active=True).count(), 1 + 1),
    "count, evaluated client-side": (lambda rows: rows.exclude(name="x").count(), 3 + 1),
    "exists": (lambda rows: rows.exists(), 1),
    "contains": (lambda rows: rows.contains(User(id=1, **NEW)), 1),
    "contains, not there": (lambda rows: rows.contains(User(id=9999, **NEW)), 3),
    "contains, not there, again": (lambda rows: (rows.get(id=1), rows.contains(User(id=9999, **NEW))), 2),
    "contains, of a filter": (lambda rows: rows.filter(role="admin").contains(User(id=9999, **NEW)), 1),
    "contains, of another model": (lambda rows: rows.contains(Post(id=1, title="x", author=1)), 0),
    "values": (lambda rows: rows.values(), 3),
    "values_list": (lambda rows: rows.values_list(), 3),
    "in_bulk": (lambda rows: rows.in_bulk(range(1, 151)), 2),
    "in_bulk, nothing": (lambda rows: rows.in_bulk([]), 0),
    "in_bulk, everything": (lambda rows: rows.in_bulk(), 3),
    "in_bulk, by another field": (lambda rows: rows.in_bulk(EMAILS, field_name="email"), 2),
    "update": (lambda rows: rows.filter(id__in=[1, 2]).update(name="x"), 1 + 2),
    "update, nothing new": (lambda rows: rows.filter(id=1).update(id=1), 1),
    "delete": (lambda rows: rows.filter(id__in=[11, 12]).delete(), 1 + 2),
    "create": (lambda rows: rows.create(**NEW), 1),
    "get_or_create": (lambda rows: rows.get_or_create(**NEW), 1 + 1),
    "get_or_create, by key": (lambda rows: (rows.get(id=1), rows.on_unsaved("ignore").get_or_create(id=9999, defaults=NEW)), 4),
    "get_or_create, found": (lambda rows: rows.get_or_create(email="user1@example.com"), 1),
    "update_or_create": (lambda rows: rows.update_or_create(email="user1@example.com", defaults={"name": "x"}), 1 + 1),
    "update_or_create, nothing new": (lambda rows: rows.update_or_create(id=1, defaults={"email": "user1@example.com"}), 1),
    "update_or_create, new": (lambda rows: rows.update_or_create(**NEW), 1 + 1),
    "bulk_create": (lambda rows: rows.bulk_create([NEW, {**NEW, "email": "newer@example.com"}]), 2),
    "bulk_update": (lambda rows: rows.bulk_update([User(**{**NEW, "id": n}) for n in (1, 2)], ["name"]), 2),
    "reconcile": (lambda rows: rows.reconcile(lost("Create", sent=NEW, by=[]), by=["email"]), 1),
    "reconcile, a save": (lambda rows: rows.reconcile(lost("Save", key="1", sent={"name": "N"}, row=None)), 1),
    "route": (lambda rows: User.objects.using(rows.client).route("echo"), 1),
    "all, a slice": (lambda rows: rows.all()[10:20], 0),
    "all, a row": (lambda rows: rows.all()[10], 1),
    "all, fetched": (lambda rows: [len(query := rows.all()), query.count(), query.first(), query.exists(), query[3]], 3),
}


def cost_of(server, call, thing):
    """The requests that came; an error status is an answer like another."""
    before = len(server.requests())
    with contextlib.suppress(orm.APIHTTPError, User.DoesNotExist):
        call(thing)
    methods = [method for method, _, _ in server.requests()[before:]]
    if set(methods) - {"GET", "OPTIONS"}:
        server.reset()
    return len(methods)


@pytest.mark.parametrize("start", ["manager", "queryset"])
def test_queries_cost_what_is_said(server, start):
    wrong = {}
    for name, (call, requests) in QUERIES.items():
        with Client(server.base_url, auth_token=server.token) as client:
            rows = client.manager(User)
            if start == "queryset" or name.split(",")[0] == "delete":
                rows = rows.all()
            cost = cost_of(server, call, rows)
        if cost != requests:
            wrong[name] = cost
    assert not wrong
    tried = {name.split(",")[0] for name in QUERIES}
    assert tried >= {name for kind in (QuerySet, Manager) for name, _ in members(kind)}


def test_proof_costs_what_the_table_says(server):
    """The table in ``docs/pushed.md``: where the server is taken at its word, where it is not, and the same once more."""
    text = (DOCS / "pushed.md").read_text()
    table = re.findall(r"^\| `(.+)` \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert len(table) > 20
    wrong = {}
    for code, *told in table:
        costs = []
        for trust, times in (("trust", 1), ("local", 2)):
            with Client(server.base_url, auth_token=server.token, on_ignored=trust) as client:
                names = {"users": client.manager(User), "new": NEW}
                costs += [cost_of(server, partial(eval, code), names) for _ in range(times)]
        if costs != [int(cost) for cost in told]:
            wrong[code] = costs
    assert not wrong


#: The same for a row, which was read before.
ROWS = {
    "get_schema_class": (lambda user: user.get_schema_class(), 0),
    "get_endpoint": (lambda user: user.get_endpoint(), 0),
    "from_api": (lambda user: User.from_api(user.raw()), 0),
    "to_dict": (lambda user: user.to_dict(), 0),
    "model_dump": (lambda user: user.model_dump(), 0),
    "model_dump_json": (lambda user: user.model_dump_json(), 0),
    "raw": (lambda user: user.raw(), 0),
    "changes": (lambda user: user.changes(), 0),
    "save": (lambda user: (setattr(user, "name", "New"), user.save()), 1),
    "save, nothing": (lambda user: user.save(), 0),
    "save, fields": (lambda user: user.save(update_fields=["name"]), 1),
    "save, a new row": (lambda user: User(**NEW, _client=user._client).save(), 1),
    "delete": (lambda user: user.delete(), 1),
    "refresh_from_api": (lambda user: user.refresh_from_api(), 1),
    "route": (lambda user: user.route("echo"), 1),
    "related": (lambda user: user.related(Post, "posts"), 0),
}
CLIENTS = {
    "base_url": (lambda client: client.base_url, 0),
    "stats": (lambda client: client.stats, 0),
    "manager": (lambda client: client.manager(User), 0),
    "with_token": (lambda client: client.with_token("x"), 0),
    "with_timeout": (lambda client: client.with_timeout(5), 0),
    "with_auth": (lambda client: client.with_auth(None), 0),
    "close": (lambda client: client.close(), 0),
    "request": (lambda client: client.request("OPTIONS", "/api/v1/users/"), 1),
    "get": (lambda client: client.get("/api/v1/users/"), 1),
    "post": (lambda client: client.post("/api/v1/users/", NEW), 1),
    "patch": (lambda client: client.patch("/api/v1/users/1/", {"name": "N"}), 1),
    "put": (lambda client: client.put("/api/v1/users/1/", NEW), 1),
    "delete": (lambda client: client.delete("/api/v1/users/1/"), 1),
}


def test_rows_and_clients_cost_what_is_said(server):
    wrong = {}
    for calls, kind in ((ROWS, APIModel), (CLIENTS, Client)):
        for name, (call, requests) in calls.items():
            server.reset()
            with Client(server.base_url, auth_token=server.token) as client:
                thing = client if kind is Client else client.manager(User).get(id=1)
                cost = cost_of(server, call, thing)
            if cost != requests:
                wrong[kind.__name__, name] = cost
        assert {name.split(",")[0] for name in calls} >= {name for name, _ in members(kind)}
    assert not wrong


def test_every_setting_of_a_client_is_in_the_guide():
    page = (Path(__file__).parents[3] / "docs" / "python" / "clients.md").read_text(encoding="utf-8")
    table = page[page.index("## Settings") : page.index("## Credentials")]
    described = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    arguments = set(inspect.signature(BaseClient.__init__).parameters) - {"self", "options"}
    assert described == arguments | _OPTIONS


def test_every_promise_names_tests_that_exist():
    """The tables of `docs/promises.md` and the tests cannot drift apart."""
    root = Path(__file__).parents[3]
    tests = {}
    for source in [*root.glob("crates/orm/tests/**/*.rs"), *root.glob("bindings/python/tests/**/test_*.py")]:
        target = (
            source.relative_to(root / "crates/orm/tests").parts[0].removesuffix(".rs")
            if source.suffix == ".rs"
            else source.stem
        )
        tests.setdefault(target, set()).update(re.findall(r"(?:fn|def) (\w+)\(", source.read_text()))
    named = re.findall(r"`(\w+)::(\w+)`", (root / "docs/promises.md").read_text())
    assert len(named) > 50
    assert [f"{target}::{test}" for target, test in named if test not in tests.get(target, ())] == []
