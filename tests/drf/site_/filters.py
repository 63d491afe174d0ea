"""What each resource can be filtered on; everything else in a query string is ignored, silently."""

from django_filters.filterset import filterset_factory
from django_filters.rest_framework import FilterSet

from . import models

COMPARE = ["exact", "gt", "gte", "lt", "lte"]


def filterset(model, **lookups):
    return filterset_factory(model, filterset=FilterSet, fields=lookups)


UserFilter = filterset(
    models.User,
    id=[*COMPARE, "in", "range"],
    name=[
        *["exact", "iexact", "contains", "icontains", "startswith", "istartswith"],
        *["endswith", "iendswith", "regex"],
    ],
    email=["exact", "iexact", "in"],
    role=["exact", "in"],
    active=["exact"],
    age=[*COMPARE, "in", "range", "isnull"],
    balance=COMPARE,
    joined_on=[*COMPARE, "range", "year", "isnull"],
    created_at=[*COMPARE, "range", "year", "month", "day", "date"],
    team=["exact", "in", "isnull"],
    address__state=["exact"],
)
PostFilter = filterset(
    models.Post,
    id=["exact", "in", "gt", "lt"],
    title=["exact", "icontains"],
    author=["exact", "in"],
    published=["exact"],
    score=["gt", "gte", "lt", "lte", "isnull"],
    author__name=["exact"],
)
CommentFilter = filterset(models.Comment, post=["exact", "in"], author=["exact"])
TeamFilter = filterset(
    models.Team,
    id=["exact", "in", "gt"],
    name=["exact", "icontains"],
    motto=["exact", "isnull"],
)
ArticleFilter = filterset(
    models.Article, slug=["exact", "in"], title=["icontains"], rating=["gt", "lt"]
)
ItemFilter = filterset(
    models.Item,
    id=["exact", "in", "gt", "lt"],
    name=["exact", "iexact", "icontains"],
    rank=[*COMPARE, "in", "isnull"],
    price=["exact", "gt", "lt"],
    kind=["exact", "in"],
    flag=["exact"],
    seen_at=["gt", "lt", "year"],
)
