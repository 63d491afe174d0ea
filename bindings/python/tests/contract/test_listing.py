"""Every row of a collection, whatever its paginator; and what that costs."""

from __future__ import annotations

from schemas import Role

from . import fixture
from .site import ITEMS, all_values, ids, settle, stream, writes


async def test_limit_offset_gives_every_row(site):
    users = await settle(site.users.all())
    assert all_values(users) == all_values(fixture.USERS)
    assert site.cost() == 3, "100 rows a page"
    assert not site.warnings()


async def test_page_number_gives_every_row(site):
    posts = await settle(site.posts.all())
    assert all_values(posts) == all_values(fixture.POSTS)
    assert site.cost() == 5, "25 rows a page"
    assert not site.warnings()


async def test_page_number_without_a_page_size_parameter_gives_every_row(site):
    articles = await settle(site.articles.all())
    assert all_values(articles) == all_values(fixture.ARTICLES)
    assert site.cost() == 3, "20 rows a page"
    assert not site.warnings()


async def test_cursor_gives_every_row(site):
    comments = await settle(site.comments.all())
    assert [(comment.id, comment.text, comment.author) for comment in comments] == [
        (row["id"], row["text"], f"{site.base_url}/api/v1/users/{row['author']}/") for row in fixture.COMMENTS
    ]
    assert len(comments) == 130
    assert site.cost() == 7, "20 rows a page"
    assert not site.warnings()


async def test_a_plain_list_gives_every_row(site):
    assert all_values(await settle(site.teams.all())) == all_values(fixture.TEAMS)
    assert all_values(await settle(site.labels.all())) == all_values(fixture.LABELS)
    assert site.cost() == 4, "one for each list, and one to see that it is all"
    await settle(site.teams.all())
    await settle(site.labels.all())
    assert site.cost() == 2, "which is known from then on"
    assert not site.warnings()


async def test_every_paginator_gives_the_same_rows(site):
    for endpoint in ITEMS:
        assert all_values(await settle(site.items(endpoint).all())) == all_values(fixture.ITEMS), endpoint
    assert not site.warnings()


async def test_a_stream_gives_every_row_in_order(site):
    assert [user.id async for user in stream(site.users.all())] == list(range(1, 251))
    assert site.cost() == 3
    for endpoint in ITEMS:
        seen = [item.id async for item in stream(site.items(endpoint).all())]
        assert seen == list(range(1, 131)), endpoint
    assert not site.warnings()


async def test_a_stream_that_is_dropped_reads_no_further(site):
    rows = stream(site.comments.all())
    assert (await anext(rows)).id == 1
    await rows.aclose()
    del rows
    # A cursor is read one page ahead at most.
    assert site.cost() <= 2, "of 7 pages"


async def test_a_stream_of_a_filtered_slice(site):
    seen = [user.id async for user in stream(site.users.filter(active=True)[90:120])]
    assert seen == fixture.ids_of(fixture.USERS, lambda user: user.active)[90:120]
    assert not site.warnings()


async def test_a_queryset_is_a_description_and_can_be_used_again(site):
    active = site.users.filter(active=True)
    admins = active.filter(role=Role.ADMIN)
    assert site.cost() == 0, "nothing is sent before it is asked for"
    expected = fixture.ids_of(fixture.USERS, lambda user: user.active and user.role == "admin")
    assert (len(await settle(active)), ids(await settle(admins))) == (150, expected)
    site.cost()
    assert len(await settle(active)) == 150
    assert site.cost() == 0, "kept, as in Django"
    assert len(await settle(active.all())) == 150
    assert site.cost() == 2, "the same question asked again"


async def test_a_page_size_can_be_asked_for(site):
    assert ids(await settle(site.posts.all().page_size(50))) == list(range(1, 121))
    site.cost()
    assert ids(await settle(site.users.all().page_size(7)[:20])) == list(range(1, 21))
    assert site.cost() == 3
    # More than the server allows: it caps without a word.
    assert ids(await settle(site.users.all().page_size(1000))) == list(range(1, 251))
    assert ids(await settle(site.items("pagenumber-on").all().page_size(1000))) == list(range(1, 131))
    assert not site.warnings()


@writes
async def test_rows_that_move_during_a_walk_are_reported(site):
    rows = stream(site.users.all())
    seen = [(await anext(rows)).id for _ in range(10)]
    first = await settle(site.users.get(id=1))
    await settle(first.delete())
    seen += [user.id async for user in rows]
    # Where every page had been read before, nothing has moved.
    warned = any(kind == "drift" for kind, _ in site.warnings())
    assert warned or len(seen) == 250, f"{len(seen)} of 250 rows, without a word"
