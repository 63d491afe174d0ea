"""Lists the users of the other site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_api_orm import APIException, APIModel, ServiceClient, register_models
from pydantic import BaseModel


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    email: str
    active: bool = True


class User(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


class Command(BaseCommand):
    help = "Lists the users of the other site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--active", action="store_true", help="only those who are active")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with ServiceClient(settings.API_URL, auth_token=settings.API_TOKEN) as client:
                register_models(client, User)
                users = User.objects.order_by("id")
                if options["active"]:
                    users = users.filter(active=True)
                for user in users.iterator():
                    self.stdout.write(f"{user.id}\t{user.name}\t{user.email}")
        except APIException as error:
            raise CommandError(str(error)) from error
