"""Write the data set that seeds both the reference site and the Rust test server.

The rows are in wire format: precisely what the API answers, except that `author` of a comment
is a user id (the API answers a URL). There is no randomness, so two runs give the same bytes.

    python tests/drf/make_fixture.py            # writes crates/testserver/fixtures/reference.json
    python tests/drf/make_fixture.py --check    # fails when the file is not what this would write
"""

import json
import sys
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

FIXTURE = Path(__file__).parents[2] / "crates/testserver/fixtures/reference.json"
START = datetime(2023, 1, 1, tzinfo=UTC)

FIRST = "Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Karl Lena Mallory".split()
LAST = "Smith Jones Brown Taylor Wilson Evans Walker Wright Green Hall Wood".split()
CITIES = [
    ("Springfield", "IL", "62701"),
    ("Chicago", "IL", "60601"),
    ("Portland", "OR", "97201"),
    ("Albany", "NY", "12201"),
    ("San José", "CA", "95101"),
]
# Names that break clients: case twins, commas (CSV lookups), LIKE and URL metacharacters, Unicode.
ODD_NAMES = {
    11: "alice smith",
    12: "ALICE SMITH",
    13: "O'Brien, Pat",
    14: "100% Real",
    15: "under_score",
    16: "back\\slash",
    17: "a+b & c=d # e?",
    18: "日本 太郎",
    19: "Émile Zola",
    20: "émile zola",
    21: "Straße Groß",
    22: "İpek Işık",
    23: '"Quoted" Name',
    24: "🦀 Crab",
    25: "null",
    26: "true",
    27: "42",
}
ITEM_WORDS = ["Apfel", "apfel", "ÄPFEL", "Äpfel", "Zebra", "zebra", "Ökonom", "日本酒", "naïve"]


def moment(hours, microseconds=0):
    """A datetime as DRF writes it: UTC as `Z`, microseconds only when there are any."""
    value = START + timedelta(hours=hours, microseconds=microseconds)
    return value.isoformat().replace("+00:00", "Z")


def make_team(n):
    return {
        "id": n,
        "name": ["Red", "Green", "Blue", "Ünïcode", "Empty"][n - 1],
        "code": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"team-{n}.example.com")),
        "motto": ["Faster, always", None, "Slow is smooth", "", None][n - 1],
    }


def make_address(n):
    city, state, zip_code = CITIES[n % len(CITIES)]
    return {"street": f"{n} Main Street", "city": city, "state": state, "zip": zip_code}


def make_user(n):
    cents = (n * n * 731) % 200_000 - 5_000
    return {
        "id": n,
        "name": ODD_NAMES.get(n, f"{FIRST[n % len(FIRST) - 1]} {LAST[n % len(LAST) - 1]}"),
        "email": f"User{n}@Example.com" if n % 60 == 11 else f"user{n}@example.com",
        "role": "admin" if n % 10 == 1 else "editor" if n % 3 == 0 else "viewer",
        "active": n % 5 < 3,
        "age": None if n % 9 == 0 else 0 if n == 28 else 150 if n == 29 else 18 + (n * 7) % 60,
        "balance": "0.00" if n % 25 == 0 else decimal(cents),
        "joined_on": None if n % 8 == 0 else str(date(2020, 1, 1) + timedelta(days=n * 6)),
        "created_at": moment(n * 97, 250_000 if n % 50 == 0 else 0),
        "address": None if n % 4 == 0 else make_address(n),
        "team": None if n % 6 == 0 else n % 4 + 1,
        "tags": [["rust"], [], ["python", "rust"], ["naïve", "a,b"]][n % 4],
        "settings": [{}, {"theme": "dark"}, {"theme": "light", "mail": {"daily": True}}][n % 3],
    }


def make_post(n):
    return {
        "id": n,
        "title": "Hello World" if n in (1, 61) else f"Post number {n}",
        "body": "" if n % 40 == 0 else f"Body of post {n}.\nIt has two lines.",
        # User 3 has more posts than one page of 25 holds.
        "author": 3 if n % 4 == 0 else n % 40 + 1,
        "published": n % 3 != 0,
        "score": None if n % 7 == 0 else (n * 13 % 50) / 10,
        "tags": [[], ["news"], ["news", "django"]][n % 3],
        "created_at": moment(n * 31),
    }


def make_comment(n):
    return {
        "id": n,
        "post": n % 60 + 1,
        "author": n % 50 + 1,
        "text": f"Comment {n}: très bien" if n % 10 == 0 else f"Comment {n}",
        # Every three share one instant: a cursor over created_at needs its offset.
        "created_at": moment(n // 3),
    }


def make_article(n):
    return {
        "id": n,
        "slug": f"article-{n:02}",
        "title": "Ünïcode in Practice" if n == 7 else f"Article {n}",
        "rating": None if n % 8 == 0 else decimal(n * 37 % 500),
        "published_at": None if n % 6 == 0 else moment(n * 240),
    }


def make_label(n):
    return {
        "id": n,
        "name": f"label-{n}",
        "color": None if n % 5 == 0 else f"#{n * 5:02x}{n * 7:02x}{n * 3:02x}",
    }


def make_item(n):
    return {
        "id": n,
        "name": f"{ITEM_WORDS[n % len(ITEM_WORDS)]} {n}" if n > 18 else ITEM_WORDS[n // 2 - 1],
        "rank": None if n % 7 == 0 else n * 11 % 20 - 3,
        "price": decimal(n * n * 97 % 100_000),
        "kind": ["tool", "toy", "Tool", "book,map", ""][n % 5],
        "flag": n % 3 == 0,
        "seen_at": None if n % 10 == 0 else moment(n * 173, 1 if n % 30 == 1 else 0),
    }


def decimal(cents):
    """Cents as a decimal string with two places."""
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{cents // 100}.{cents % 100:02}"


def build():
    return {
        "teams": [make_team(n) for n in range(1, 6)],
        "users": [make_user(n) for n in range(1, 251)],
        "posts": [make_post(n) for n in range(1, 121)],
        "comments": [make_comment(n) for n in range(1, 131)],
        "articles": [make_article(n) for n in range(1, 46)],
        "labels": [make_label(n) for n in range(1, 31)],
        "items": [make_item(n) for n in range(1, 131)],
    }


def render():
    """JSON with one row a line: small diffs, still readable."""
    tables = []
    for name, rows in build().items():
        lines = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in rows)
        tables.append(f'  "{name}": [\n{lines}\n  ]')
    return "{\n" + ",\n".join(tables) + "\n}\n"


def main():
    text = render()
    if "--check" in sys.argv[1:]:
        if FIXTURE.read_text(encoding="utf-8") != text:
            sys.exit(f"{FIXTURE.name} is stale: run make_fixture.py")
        return
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    FIXTURE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
