"""DRF's three paginators, each with the sizes and caps of the resource that uses it."""

from rest_framework.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
)


class UserPagination(LimitOffsetPagination):
    default_limit = 100
    max_limit = 100


class PostPagination(PageNumberPagination):
    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 50


class CommentPagination(CursorPagination):
    page_size = 20
    ordering = "id"


class ArticlePagination(PageNumberPagination):
    """The size is fixed: a `page_size` parameter is ignored."""

    page_size = 20


class ItemLimitOffset(LimitOffsetPagination):
    default_limit = 20
    max_limit = 30


class ItemPageNumber(PageNumberPagination):
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 30


class ItemCursor(CursorPagination):
    page_size = 20
    ordering = "id"


def every():
    """Each way to page, none included, by its name in the URL."""
    return {
        "limitoffset": ItemLimitOffset,
        "pagenumber": ItemPageNumber,
        "cursor": ItemCursor,
        "plain": None,
    }
