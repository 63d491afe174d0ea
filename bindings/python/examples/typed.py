"""What type checkers see: models, managers, querysets and rows keep their types.

mypy and pyright check this file; an ``assert_type`` that does not hold is an error there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from django_api_orm import (
    APIModel,
    AsyncAPIModel,
    AsyncManager,
    AsyncQuerySet,
    AsyncRelatedManager,
    AsyncServiceClient,
    ForeignKey,
    Manager,
    ManyToMany,
    Q,
    QuerySet,
    Related,
    RelatedManager,
    ServiceClient,
    register_models,
)
from pydantic import BaseModel
from typing_extensions import Self, assert_type


class UserSchema(BaseModel):
    id: int | None = None
    name: str
    email: str
    active: bool = True


# Type checkers read the fields and the arguments of `User(...)` from the schema; at run time this base is nothing.
if TYPE_CHECKING:
    UserFields = UserSchema
else:
    UserFields = object


class UserQuerySet(QuerySet["User"]):
    def active(self) -> Self:
        return self.filter(active=True)

    def named(self, name: str) -> Self:
        return self.filter(name=name)


class User(APIModel, UserFields):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"

    objects = UserQuerySet.as_manager()

    @property
    def domain(self) -> str:
        return self.email.partition("@")[2]


class PostManager(Manager["Post"]):
    def published(self) -> QuerySet[Post]:
        return self.filter(published=True)


class Post(APIModel):
    """Without the schema as a base the fields are ``Any``; everything else is the same."""

    class Schema(BaseModel):
        id: int | None = None
        title: str
        published: bool = False

    _schema_class = Schema
    _endpoint = "/api/v1/posts/"

    objects = PostManager()


class CommentQuerySet(QuerySet["Comment"]):
    def filter(self, *args: Q, **kwargs: Any) -> Self:
        return super().filter(*args, **kwargs)


class CommentManager(Manager["Comment"]):
    """What `get_queryset` gives is what every query starts with."""

    def get_queryset(self) -> CommentQuerySet:
        return CommentQuerySet(self.model, self.client)


class Comment(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/comments/"

    objects = CommentManager()


class Label(APIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/labels/"


class AsyncUserQuerySet(AsyncQuerySet["AsyncUser"]):
    def active(self) -> Self:
        return self.filter(active=True)


class AsyncUser(AsyncAPIModel, UserFields):
    _schema_class = UserSchema
    _endpoint = "/api/v1/users/"

    objects = AsyncManager.from_queryset(AsyncUserQuerySet)()


class AsyncPostManager(AsyncManager["AsyncPost"]):
    def published(self) -> AsyncQuerySet[AsyncPost]:
        return self.filter(published=True)


class AsyncPost(AsyncAPIModel):
    _schema_class = Post.Schema
    _endpoint = "/api/v1/posts/"

    objects = AsyncPostManager()


class AsyncComment(AsyncAPIModel):
    _schema_class = UserSchema
    _endpoint = "/api/v1/comments/"


class BookSchema(BaseModel):
    id: int | None = None
    author: ForeignKey[User]
    editor: ForeignKey[User] | None = None
    labels: ManyToMany[Label]


class AsyncBookSchema(BaseModel):
    id: int | None = None
    author: ForeignKey[AsyncUser]
    # On the asynchronous side null is awaited, too.
    editor: ForeignKey[AsyncUser | None] | None = None


if TYPE_CHECKING:
    BookFields = BookSchema
    AsyncBookFields = AsyncBookSchema
else:
    BookFields = AsyncBookFields = object


class Book(APIModel, BookFields):
    _schema_class = BookSchema
    _endpoint = "/api/v1/books/"


class Shelf(APIModel):
    """Relations of the model; those of other models that point here."""

    class Schema(BaseModel):
        id: int | None = None
        owner_id: int

    _schema_class = Schema
    _endpoint = "/api/v1/shelves/"

    owner: ForeignKey[User]
    books = Related(Book, "shelf")
    notes: Related[Comment] = Related("Comment", "shelf")


class AsyncBook(AsyncAPIModel, AsyncBookFields):
    _schema_class = AsyncBookSchema
    _endpoint = "/api/v1/books/"

    comments = Related(AsyncComment, "book")


def related(book: Book, shelf: Shelf, user: User) -> None:
    assert_type(book.author, User)
    assert_type(book.author.name, str)
    assert_type(book.editor, "User | None")
    assert_type(book.labels, RelatedManager[Label])
    assert_type(book.labels.first(), "Label | None")
    book.author = user
    book.author = 3
    assert_type(shelf.owner, User)
    assert_type(shelf.books.filter(id=1), QuerySet[Book])
    assert_type(shelf.notes.create(id=1), Comment)


async def related_asynchronously(book: AsyncBook, user: AsyncUser) -> None:
    assert_type(await book.author, AsyncUser)
    assert_type(book.comments, AsyncRelatedManager[AsyncComment])
    assert_type(await book.comments.all(), list[AsyncComment])
    book.author = user


def rows_and_fields(client: ServiceClient) -> None:
    register_models(client, User, Post, Comment, Label)
    user = User.objects.get(id=1)
    assert_type(user, User)
    assert_type(user.name, str)
    assert_type(user.id, "int | None")
    assert_type(user.domain, str)
    assert_type(User(name="Ann", email="ann@example.com"), User)
    assert_type(User.objects.create(name="Ann", email="ann@example.com"), User)
    assert_type(User.objects.get_or_create(name="Ann"), tuple[User, bool])
    assert_type(Post.objects.get(id=1), Post)
    assert_type(Post.objects.get(id=1).title, Any)
    assert_type(user.related(Post, "posts"), Manager[Post])
    assert_type(client.manager(Label).first(), "Label | None")
    assert_type(Post.objects.latest("id"), Post)
    assert_type(Post.objects.order_by("id").contains(user), bool)


def managers_and_querysets(client: ServiceClient) -> None:
    # A manager made from a queryset class: its methods chain, and are known.
    assert_type(User.objects.active(), UserQuerySet)
    assert_type(User.objects.active().named("Ann").active(), UserQuerySet)
    assert_type(User.objects.using(client).order_by("name")[:10].active().first(), "User | None")
    assert_type(User.objects.active()[0], User)
    assert_type(iter(User.objects.active()), Iterator[User])
    # A manager class: its methods chain at run time. What comes after the first one is known to give anything.
    assert_type(Post.objects, PostManager)
    assert_type(Post.objects.published(), QuerySet[Post])
    assert_type(Post.objects.published().published(), Any)
    # A manager class that says what it starts with.
    assert_type(Comment.objects.filter(id=1), CommentQuerySet)
    assert_type(Comment.objects.using(client).order_by("id").exclude(id=2)[:3], CommentQuerySet)
    assert_type(Comment.objects.expect(3).get(), Comment)
    # No manager of its own.
    assert_type(Label.objects, Manager[Label])
    assert_type(Label.objects.filter(id=1), QuerySet[Label])
    assert_type(Label.objects.filter(id=1).exclude(id=2).in_bulk([1]), dict[Any, Label])


async def asynchronously(client: AsyncServiceClient) -> None:
    user = await AsyncUser.objects.get(id=1)
    assert_type(user, AsyncUser)
    assert_type(user.email, str)
    assert_type(AsyncUser.objects.active().active(), AsyncUserQuerySet)
    assert_type(await AsyncUser.objects.active()[:10].first(), "AsyncUser | None")
    assert_type(await AsyncUser.objects.active().active(), list[AsyncUser])
    assert_type(AsyncUser.objects.all().iterator(), AsyncIterator[AsyncUser])
    assert_type([each async for each in AsyncUser.objects.all()], list[AsyncUser])
    assert_type(await AsyncUser.objects.update_or_create(name="Ann"), tuple[AsyncUser, bool])
    assert_type(await AsyncUser.objects.acount(), int)
    assert_type(await AsyncUser.objects.active().aget(id=1), AsyncUser)
    assert_type(await AsyncComment.objects.afirst(), "AsyncComment | None")
    await user.asave(update_fields=["name"])
    assert_type(AsyncPost.objects.published(), AsyncQuerySet[AsyncPost])
    assert_type(await AsyncPost.objects.published().get(id=1), AsyncPost)
    assert_type(AsyncComment.objects, AsyncManager[AsyncComment])
    assert_type(await AsyncComment.objects.filter(id=1), list[AsyncComment])
    assert_type(await client.manager(AsyncComment).count(), int)
