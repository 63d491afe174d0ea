"""Models: attributes, aliases, validation, identity, custom managers, exceptions. Mostly without a server."""

from __future__ import annotations

import copy
import datetime
import functools
import inspect
import json
import uuid
import warnings
from decimal import Decimal
from typing import Any

import django_api_orm as orm
import pytest
from django_api_orm import APIModel, AsyncAPIModel, AsyncServiceClient, Manager, Q, ServiceClient, register_models
from django_api_orm import exceptions as exceptions_module
from django_api_orm.testserver import TestServer
from pydantic import BaseModel, ConfigDict, Field, ValidationError, computed_field, field_validator, model_validator


class AddressSchema(BaseModel):
    city: str
    zip_code: str = Field(alias="zip", default="")


class PersonSchema(BaseModel):
    id: int | None = None
    name: str
    born: datetime.date | None = None
    address: AddressSchema | None = None
    nick: str | None = Field(default=None, alias="nickName")
    token: uuid.UUID = Field(default_factory=uuid.uuid4)
    tags: list[str] = []

    @computed_field
    @property
    def initial(self) -> str:
        return self.name[0]

    @field_validator("name")
    @classmethod
    def no_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("blank")
        return value


class PersonManager(Manager["Person"]):
    def born_before(self, year):
        return self.filter(born__lt=datetime.date(year, 1, 1))

    def named(self, name):
        return self.filter(name=name)


class Person(APIModel):
    _schema_class = PersonSchema
    _endpoint = "/api/people/"

    objects = PersonManager()

    @property
    def shout(self):
        return self.name.upper()

    @functools.cached_property
    def slow(self):
        return self.name * 2

    def greet(self):
        return f"Hello {self.name}"

    def __str__(self):
        return self.name


ROW = {
    "id": 7,
    "name": "Ann",
    "born": "1990-05-17",
    "address": {"city": "Bonn", "zip": "53111"},
    "nickName": "A",
    "tags": [],
    "unknown": [1, 2],
}


@pytest.fixture
def person():
    return Person.from_api(ROW)


def test_fields_methods_and_properties(person):
    assert (person.id, person.pk, person.name, person.born) == (7, 7, "Ann", datetime.date(1990, 5, 17))
    assert (person.address.zip_code, person.nick, person.shout, person.greet()) == ("53111", "A", "ANN", "Hello Ann")
    assert person.initial == "A" and str(person) == "Ann" and repr(person) == "<Person: Ann>"
    assert person.raw()["unknown"] == [1, 2]
    assert person.slow == "AnnAnn" and "slow" not in person.to_dict()
    with pytest.raises(AttributeError):
        person.nothing
    assert "name" in dir(person)


def test_to_dict_and_model_dump(person):
    shown = person.to_dict()
    assert shown["born"] == "1990-05-17" and json.loads(json.dumps(shown)) == shown
    assert "token" not in person.to_dict(exclude_unset=True)
    assert person.model_dump()["born"] == datetime.date(1990, 5, 17)
    assert person.model_dump(by_alias=True, include={"nick"}) == {"nickName": "A"}


def test_assignment_validates_one_field(person):
    person.name = "Bea"
    assert person.name == "Bea" and person.shout == "BEA" and person.initial == "B"
    for wrong in ("  ", 5):
        with pytest.raises(ValidationError):
            person.name = wrong
        assert person.name == "Bea"
    person.born = "2000-01-01"
    assert person.born == datetime.date(2000, 1, 1)
    assert person.changes() == {"name": "Bea", "born": "2000-01-01"}


def test_changes_are_what_differs(person):
    assert person.changes() == {}
    person.address.zip_code = "1"
    person.nick = None
    person.tags.append("x")
    assert person.changes() == {"address": {"city": "Bonn", "zip": "1"}, "nickName": None, "tags": ["x"]}
    person.token = uuid.UUID(int=1)
    assert person.changes()["token"] == str(uuid.UUID(int=1))


def test_plain_attributes_are_no_fields(person):
    person._cache = 1
    person.note = "mine"
    assert (person._cache, person.note) == (1, "mine")
    person.name = "Bea"
    assert person.note == "mine"
    assert "note" not in person.to_dict() and person.changes() == {"name": "Bea"}


def test_identity(person):
    same, other, new = Person.from_api({**ROW, "name": "Z"}), Person.from_api({**ROW, "id": 8}), Person(name="N")
    assert person == same and person != other and new != Person(name="N") and new == new
    assert len({person, same, other}) == 2
    with pytest.raises(TypeError):
        hash(new)
    deep, shallow = copy.deepcopy(person), copy.copy(person)
    deep.address.city = "Köln"
    assert person.address.city == "Bonn" and shallow.address is person.address and deep == person


def test_new_instances():
    new = Person(name="Ann", address={"city": "Bonn"}, nick="A")
    assert new.pk is None and new.nick == "A"
    assert new.changes() == {"name": "Ann", "address": {"city": "Bonn", "zip": ""}, "nickName": "A"}
    with pytest.raises(ValidationError):
        Person()
    assert Person(name="A", nickName="B").nick == "B"


def test_required_key_and_read_only_fields_need_not_be_given():
    class Strict(BaseModel):
        id: int
        name: str
        created: datetime.datetime

    class Thing(APIModel):
        _schema_class = Strict
        _endpoint = "/things/"
        _read_only_fields = ("created",)

    assert Thing(name="x").changes() == {"name": "x"}
    with pytest.raises(ValidationError, match="name"):
        Thing()


def test_extra_fields_and_whole_model_validators():
    class Loose(BaseModel):
        model_config = ConfigDict(extra="allow")
        id: int | None = None
        low: int = 0
        high: int = 10

        @model_validator(mode="after")
        def ordered(self):
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    class Thing(APIModel):
        _schema_class = Loose
        _endpoint = "/things/"

    thing = Thing.from_api({"id": 1, "low": 1, "high": 2, "colour": "red"})
    assert thing.colour == "red" and thing.changes() == {}
    thing.colour = "blue"
    assert thing.changes() == {"colour": "blue"}
    with pytest.raises(ValidationError):
        thing.low = 5
    assert thing.low == 1


def test_fields_may_have_the_names_of_methods(server_of_people):
    server, client = server_of_people

    class Loose(BaseModel):
        id: int | None = None
        name: str
        raw: int = 0
        changes: int = 0
        route: str = "r"

    class Thing(APIModel):
        _schema_class = Loose
        _endpoint = "/api/v1/people/"

    thing = Thing(name="x", raw=1, changes=2, _client=client)
    assert (thing.raw, thing.changes, thing.route) == (1, 2, "r")
    thing = client.manager(Thing).get(id=1)
    thing.name = "Y"
    thing.save()
    assert json.loads(server.requests()[-1][2]) == {"name": "Y"}


def test_a_new_instance_may_name_its_client(server_of_people):
    server, client = server_of_people

    class Local(Person):
        _endpoint = "/api/v1/people/"

    new = Local(name="Zoe", address={"city": "B"}, _client=client)
    new.save()
    assert new.pk == 4 and json.loads(server.requests()[-1][2])["name"] == "Zoe"
    new.delete()
    with pytest.raises(orm.InvalidRequestError):
        new.refresh_from_api()


def test_an_invalid_row_is_named(server_of_people):
    _, client = server_of_people
    rows = client.manager(Person)
    client.patch("/api/v1/people/2/", {"name": " "})
    with pytest.raises(ValidationError) as error:
        list(rows.at("/api/v1/people/").all())
    assert "row 1 (id=2) of Person" in str(error.value) and error.value.errors()[0]["loc"] == (1, "name")
    seen: list[orm.RowError] = []
    fine = list(rows.at("/api/v1/people/").all().on_invalid("skip", seen.append))
    assert [person.id for person in fine] == [1, 3] and [(each.index, each.key) for each in seen] == [(1, 2)]


@pytest.fixture
def server_of_people():
    people = [{"id": n, "name": f"P{n}", "nickName": f"N{n}", "address": {"city": "B", "zip": str(n)}} for n in (1, 2, 3)]
    with TestServer({"people": people}) as server, ServiceClient(server.base_url, auth_token=server.token) as client:
        yield server, client


def test_aliases_go_both_ways(server_of_people):
    server, client = server_of_people

    class Local(Person):
        _endpoint = "/api/v1/people/"

    register_models(client, Local)
    person = Local.objects.get(id=1)
    person.nick = "One"
    person.save()
    assert json.loads(server.requests()[-1][2]) == {"nickName": "One"}
    assert [each.id for each in Local.objects.filter(nick="One")] == [1]
    assert Local.objects.filter(address__zip_code="2").explain().pushed == [("address__zip", "2")]
    assert Local.objects.order_by("-nick").explain().pushed == [("ordering", "-nickName")]
    assert Local.objects.filter(pk__in=[1, 3]).explain().pushed == [("id__in", "1,3")]
    assert Local.objects.values("nick", "address__zip_code")[0] == {"nick": "One", "address__zip_code": "1"}


def test_custom_managers_chain(server_of_people):
    _, client = server_of_people

    class Local(Person):
        _endpoint = "/api/v1/people/"

    register_models(client, Local)
    query = Local.objects.named("P1").born_before(2000).filter(id=1)
    assert query.explain().pushed == [("name", "P1"), ("born__lt", "2000-01-01"), ("id", "1")]
    assert isinstance(Local.objects, PersonManager)
    with pytest.raises(AttributeError):
        Local.objects.all().nothing
    with pytest.raises(AttributeError):
        Local(name="x").objects
    # As programs for earlier releases make them.
    manager = Manager(Local, client)
    assert manager.get(id=1).pk == 1 and manager.model_class is Local and manager.get_endpoint() == "/api/v1/people/"


def test_sync_querysets_are_like_lists(server_of_people):
    server, client = server_of_people

    class Local(Person):
        _endpoint = "/api/v1/people/"

    register_models(client, Local)
    people = Local.objects.all()
    assert len(people) == 3 and bool(people) and people[1].id == 2 and [p.id for p in people[::2]] == [1, 3]
    count = len(server.requests())
    assert people.count() == 3 and people.first().id == 1 and people.last().id == 3 and people.exists()
    assert [p.id for p in people] == [1, 2, 3] and Local.objects.get(id=2) in people
    assert len(server.requests()) == count + 1
    assert Local.objects.all()[2].id == 3 and not Local.objects.none() and [p.id for p in Local.objects.all()[::2]] == [1, 3]
    with pytest.raises(IndexError):
        Local.objects.all()[3]
    for wrong in (-1, slice(-2, None)):
        with pytest.raises(ValueError, match="negative"):
            Local.objects.all()[wrong]
    with pytest.raises(orm.InvalidRequestError):
        list(Local.objects.all()[:2].filter(id=1))


def test_configuration_mistakes_say_what_to_do():
    class NoSchema(APIModel):
        _endpoint = "/x/"

    class NoEndpoint(APIModel):
        _schema_class = PersonSchema

    class Async(AsyncAPIModel):
        _schema_class = PersonSchema
        _endpoint = "/x/"

    client = ServiceClient("http://127.0.0.1:1")
    for model, word in ((NoSchema, "_schema_class"), (NoEndpoint, "_endpoint"), (Async, "AsyncAPIModel")):
        with pytest.raises(orm.ConfigurationError, match=word):
            register_models(client, model)
    with pytest.raises(orm.ConfigurationError):
        ServiceClient("not a url")
    with pytest.raises(orm.ConfigurationError):
        register_models(AsyncServiceClient("http://127.0.0.1:1"), Person)
    with pytest.raises(TypeError, match="retires"):
        ServiceClient("http://127.0.0.1:1", retires=3)
    with pytest.raises(orm.ConfigurationError):
        ServiceClient("http://127.0.0.1:1", auth_token="a", auth=("b", "c"))
    with pytest.raises(orm.ConfigurationError, match="one of"):
        orm.Pagination("pages")
    with pytest.warns(UserWarning, match="verify_ssl"):
        ServiceClient("https://127.0.0.1:1", verify_ssl=False)


def test_async_querysets_refuse_what_cannot_wait():
    client = AsyncServiceClient("http://127.0.0.1:1")

    class Async(AsyncAPIModel):
        _schema_class = PersonSchema
        _endpoint = "/x/"

    query = client.manager(Async).all()
    for attempt in (lambda: list(query), lambda: query[0], lambda: bool(query)):
        with pytest.raises(TypeError):
            attempt()


def test_q_reads_well():
    q = (Q(a=1) | Q(b__in=[1, 2])) & ~Q(c=None)
    assert repr(q) == "Q((Q(a=1) | Q(b__in=[1, 2])), ~Q(c=None))"
    assert not Q() and Q(a=1)
    with pytest.raises(TypeError):
        Q(a=1) & 5


def test_values_in_filters():
    client = ServiceClient("http://127.0.0.1:1")
    rows = client.manager(Person)

    def pushed(**lookups: Any):
        return rows.filter(**lookups).explain().pushed[0][1]

    assert pushed(a=Decimal("1.50")) == "1.50"
    assert pushed(a=uuid.UUID(int=5)) == str(uuid.UUID(int=5))
    assert pushed(a__in={3}) == "3" and pushed(a__in=range(3)) == "0,1,2" and pushed(a__in=(n for n in [4, 5])) == "4,5"
    assert pushed(a=True) == "true" and pushed(a=None) == "true" and pushed(a=Person.from_api(ROW)) == "7"
    assert pushed(a__gt=datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)).startswith("2024-01-02T03:04:00")
    for nonsense in (object(), float("nan")):
        with pytest.raises((TypeError, ValueError)):
            rows.filter(a=nonsense)
    with pytest.raises((TypeError, ValueError), match="save it first"):
        rows.filter(a=Person(name="x"))


def test_credentials_are_never_shown():
    for options in (
        {"auth_token": "sesame"},
        {"auth": ("user", "sesame")},
        {"auth": orm.BearerAuth("sesame")},
        {"auth": orm.HeaderAuth("X-Key", "sesame")},
        {"headers": {"X-Key": "sesame"}},
    ):
        client = ServiceClient("http://127.0.0.1:1", max_retries=0, **options)
        with pytest.raises(orm.APIConnectionError) as error:
            client.get("/x/")
        shown = repr(client) + repr(error.value) + repr(error.value.__dict__) + repr(options.get("auth", ""))
        assert "sesame" not in shown or options.get("auth") == ("user", "sesame")


def test_credentials_are_sent(server_of_people):
    server, _ = server_of_people
    for auth in (orm.TokenAuth(server.token or "t"), f"Token {server.token}"):
        assert ServiceClient(server.base_url, auth=auth).get("/api/v1/people/").status_code == 200


def test_tls_and_http2():
    with TestServer(tls=True) as server:
        for http2, version in ((True, "HTTP/2.0"), (False, "HTTP/1.1")):
            client = ServiceClient(server.base_url, auth_token=server.token, http2=http2, ca_file=server.ca_file)
            response = client.get("/info/")
            assert (response.http_version, response.data["http_version"]) == (version, version[5:].removesuffix(".0"))
        with pytest.raises(orm.APIConnectionError):
            ServiceClient(server.base_url, max_retries=0).get("/info/")


STATUSES = {
    400: orm.BadRequestError,
    401: orm.UnauthorizedError,
    403: orm.ForbiddenError,
    404: orm.NotFoundError,
    409: orm.ConflictError,
    412: orm.PreconditionFailedError,
    418: orm.APIClientError,
    422: orm.APIClientError,
    428: orm.PreconditionRequiredError,
    429: orm.TooManyRequestsError,
    500: orm.InternalServerError,
    501: orm.APIServerError,
    502: orm.BadGatewayError,
    503: orm.ServiceUnavailableError,
    504: orm.GatewayTimeoutError,
}


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_its_exception(server_of_people, status):
    server, _ = server_of_people
    client = ServiceClient(server.base_url, auth_token=server.token, max_retries=0)
    headers = {"x-request-id": "r-1", "retry-after": "7", "content-type": "application/json"}
    server.fail_next(status, b'{"detail": "because"}', headers)
    with pytest.raises(STATUSES[status]) as error:
        client.get("/api/v1/people/")
    raised = error.value
    assert type(raised) is STATUSES[status] and isinstance(raised, orm.APIHTTPError)
    assert (raised.status_code, raised.request_id, raised.retry_after) == (status, "r-1", 7.0)
    assert raised.detail == "because" and raised.response.json() == {"detail": "because"} and "because" in raised.message
    assert raised.method == "GET" and raised.url == "/api/v1/people/"


def test_a_write_whose_answer_is_lost_is_outcome_unknown(server_of_people):
    server, client = server_of_people
    server.fail_next(503, b"")
    with pytest.raises(orm.OutcomeUnknown) as error:
        client.post("/api/v1/people/", {"name": "x"})
    assert isinstance(error.value, orm.ServiceUnavailableError)
    assert error.value.is_outcome_unknown and not error.value.is_retryable
    server.delay_next(5)
    with pytest.raises(orm.APITimeoutError):
        ServiceClient(server.base_url, auth_token=server.token, timeout=0.1).get("/api/v1/people/")


def test_every_exception_is_exported_and_has_words():
    for name in exceptions_module.__all__:
        kind = getattr(exceptions_module, name)
        assert getattr(orm, name) is kind and inspect.getdoc(kind)
    assert orm.ConnectionError is orm.APIConnectionError and orm.HTTPStatusError is orm.APIHTTPError


def test_subclasses_have_exceptions_of_their_own():
    class Other(APIModel):
        _schema_class = PersonSchema
        _endpoint = "/x/"

    assert issubclass(Person.DoesNotExist, orm.DoesNotExist) and not issubclass(Person.DoesNotExist, Other.DoesNotExist)
    assert Person.DoesNotExist.__qualname__ == "Person.DoesNotExist"


def test_warnings_can_be_errors(server_of_people):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(server_of_people[1].manager(Person).at("/api/v1/people/").all()) == 3


def test_utils():
    from django_api_orm.typing import SupportsToDict
    from django_api_orm.utils import build_query_params, chunk_list, merge_dicts

    person: SupportsToDict = Person.from_api(ROW)
    assert person.to_dict()
    assert build_query_params(a=1, b=None, c="x") == {"a": "1", "c": "x"}
    assert merge_dicts({"a": 1}, None, {"a": 2}) == {"a": 2}
    assert chunk_list([1, 2, 3], 2) == [[1, 2], [3]]
