"""What Python says of a client's settings, held to the engine's table."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import django_api_orm as orm
import pytest
from django_api_orm import _client, _engine

TABLE = {name: (kind, default, shown, text) for name, kind, default, shown, text in _engine.settings()}
#: Python's own: who the client speaks for and where, headers, which rows are read together, hooks.
OWN = {"base_url", "auth_token", "auth", "headers", "coalesce", "on_request", "on_response", "on_retry"}
CLIENTS = Path(__file__).parents[3] / "docs" / "python" / "clients.md"


def parameters():
    found = inspect.signature(_client.BaseClient.__init__).parameters
    return {name: found[name] for name in found if name not in {"self", "options"}}


def options():
    """The annotations of ``ClientOptions``, which exists for type checkers only."""
    tree = ast.parse(inspect.getsource(_client))
    [found] = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == "ClientOptions"]
    return {node.target.id: ast.unparse(node.annotation) for node in found.body if isinstance(node, ast.AnnAssign)}


#: Text for the engine; Python may give a path.
PATH = "str | os.PathLike[str]"
PATHS = {"client_certificate_file", "client_key_file", "unix_socket"}


def annotation(kind):
    if isinstance(kind, list):
        return f"Literal[{', '.join(map(repr, kind))}]"
    return kind


def test_every_setting_can_be_given_and_no_other():
    assert not parameters().keys() & options().keys()
    assert (parameters().keys() | options().keys()) - OWN == TABLE.keys()


@pytest.mark.parametrize("name", TABLE)
def test_a_setting_has_the_type_and_the_default_of_the_table(name):
    kind, default, _, _ = TABLE[name]
    if name in options():
        assert options()[name] == (PATH if name in PATHS else annotation(kind))
        return
    given = parameters()[name]
    assert given.annotation.removesuffix(" | None").removesuffix(" | os.PathLike[str]") == annotation(kind)
    assert given.default == default
    assert type(given.default) is type(default)


def in_words(kind, default):
    """A default as the documentation writes it."""
    if default is None or kind == "str":
        return None
    if kind == "float":
        return f"{default:g} s"
    if isinstance(kind, list):
        return f'`"{default}"`'
    if kind == "bool":
        return f"`{default}`"
    if default and default % 2**20 == 0:
        return f"{default // 2**20} MiB"
    return f"{default:,}"


def test_the_documentation_has_every_setting_with_its_default():
    rows = re.findall(r"^\| (`.*?`) \| (.*?) ?\| (.*?) ?\|$", CLIENTS.read_text(), re.MULTILINE)
    found = {name.strip("`"): default for names, default, _ in rows for name in names.split(", ")}
    assert found.keys() >= TABLE.keys() | OWN
    for name, (kind, default, _, _) in TABLE.items():
        expected = in_words(kind, default)
        if expected is not None:
            assert found[name].removesuffix(" pages").removesuffix(" rows") == expected, name


def test_the_docstring_names_every_setting():
    said = set(re.findall(r"``(\w+)``", _client.BaseClient.__init__.__doc__))
    assert TABLE.keys() <= said


@pytest.mark.parametrize("name", TABLE)
def test_an_invalid_value_is_named(name):
    kind = TABLE[name][0]
    wrong = {"bool": "yes", "float": "soon", "int": "many"}.get(str(kind), 7)
    if name not in {"verify_ssl", "ca_file"}:
        with pytest.raises(TypeError, match=f"`{name}` must be a"):
            orm.ServiceClient("http://api.test", **{name: wrong})
    if kind in ("float", "int"):
        with pytest.raises(orm.ConfigurationError, match=f"`{name}` must be a number"):
            orm.ServiceClient("http://api.test", **{name: -1})
    if kind == "int":
        with pytest.raises(orm.ConfigurationError, match=f"`{name}` is too large"):
            orm.ServiceClient("http://api.test", **{name: 10**30})
    if isinstance(kind, list):
        with pytest.raises(orm.ConfigurationError, match=f"`{name}` must be one of"):
            orm.ServiceClient("http://api.test", **{name: "neither"})


def test_a_setting_that_does_not_exist_is_a_type_error():
    with pytest.raises(TypeError, match="timeuot"):
        orm.ServiceClient("http://api.test", timeuot=3)
