"""Load the data set that is shared with the Rust test server."""

import json
from pathlib import Path

from django.contrib.auth.models import User as Account
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from rest_framework.authtoken.models import Token

from . import editions, library, models, specimens

FIXTURE = Path(__file__).parents[3] / "crates/testserver/fixtures/reference.json"
TOKENS = ["test-token", "other-token", *(f"user-token-{n}" for n in range(1, 21))]


def make_database():
    """Create the tables, the tokens and the rows in an empty database."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    accounts = Account.objects.bulk_create(Account(username=token) for token in TOKENS)
    Token.objects.bulk_create(Token(key=a.username, user=a) for a in accounts)
    load_fixture()
    specimens.make_rows()


@transaction.atomic
def load_fixture():
    """Replace every row by those of the fixture; the next new row has the id after the last."""
    tables = json.loads(FIXTURE.read_text(encoding="utf-8"))
    _empty_tables()
    _insert(models.Team, tables["teams"])
    addresses = [{"id": row["id"], **row["address"]} for row in tables["users"] if row["address"]]
    _insert(models.Address, addresses)
    for row in tables["users"]:
        row["address_id"] = row["id"] if row.pop("address") else None
        row["team_id"] = row.pop("team")
    _insert(models.User, tables["users"])
    for row in tables["posts"]:
        row["author_id"] = row.pop("author")
    _insert(models.Post, tables["posts"])
    for row in tables["comments"]:
        row["post_id"], row["author_id"] = row.pop("post"), row.pop("author")
    _insert(models.Comment, tables["comments"])
    _insert(models.Article, tables["articles"])
    _insert(models.Label, tables["labels"])
    _insert(models.Item, tables["items"])
    library.make_rows()
    editions.make_rows()


def _empty_tables():
    every = [model._meta.db_table for model in models.Row.__subclasses__()]
    every.append(models.Book.genres.through._meta.db_table)
    with connection.cursor() as cursor:
        for sql in connection.ops.sql_flush(no_style(), every, reset_sequences=True):
            cursor.execute(sql)


def _insert(model, rows):
    fields = {field.attname: field for field in model._meta.concrete_fields}
    model.objects.bulk_create(
        model(**{name: fields[name].to_python(value) for name, value in row.items()})
        for row in rows
    )
