"""A plain script that reads a large collection page by page behind a progress bar.

API_URL=https://api.example.com API_TOKEN=... python progress.py
"""

from __future__ import annotations

import os
from collections import Counter

from django_api_orm import APIModel, ServiceClient, register_models
from pydantic import BaseModel
from tqdm import tqdm


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    role: str


class User(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"


def main() -> None:
    with ServiceClient(os.environ["API_URL"], auth_token=os.environ.get("API_TOKEN") or None) as client:
        register_models(client, User)
        roles: Counter[str] = Counter()
        for user in tqdm(User.objects.all().iterator(), total=User.objects.count(), unit=" users"):
            roles[user.role] += 1
    for role, count in sorted(roles.items()):
        print(f"{role}: {count}")


if __name__ == "__main__":
    main()
