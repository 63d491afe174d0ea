"""The tables of the reference site. Every model orders by id unless a request says otherwise."""

import uuid
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone


class Row(models.Model):
    class Meta:
        abstract = True
        ordering = ["id"]


class Team(Row):
    name = models.CharField(max_length=50, unique=True)
    code = models.UUIDField(default=uuid.uuid4, editable=False)
    motto = models.CharField(max_length=200, null=True, blank=True)


class Address(Row):
    street = models.CharField(max_length=100)
    city = models.CharField(max_length=50)
    state = models.CharField(max_length=2)
    zip = models.CharField(max_length=10)


class User(Row):
    class Role(models.TextChoices):
        ADMIN = "admin"
        EDITOR = "editor"
        VIEWER = "viewer"

    name = models.CharField(max_length=100)
    email = models.EmailField(unique=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    active = models.BooleanField(default=True)
    age = models.IntegerField(
        null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(150)]
    )
    balance = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal("0.00"))
    joined_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    address = models.OneToOneField(Address, models.SET_NULL, null=True, blank=True)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True)
    tags = models.JSONField(default=list)
    settings = models.JSONField(default=dict)


class Post(Row):
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, default="")
    author = models.ForeignKey(User, models.CASCADE)
    published = models.BooleanField(default=False)
    score = models.FloatField(null=True, blank=True)
    tags = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)


class Comment(Row):
    post = models.ForeignKey(Post, models.CASCADE)
    author = models.ForeignKey(User, models.CASCADE)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)


class Article(Row):
    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=200)
    rating = models.DecimalField(max_digits=4, decimal_places=2, null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)


class Label(Row):
    name = models.CharField(max_length=50)
    color = models.CharField(max_length=20, null=True, blank=True)


class Item(Row):
    name = models.CharField(max_length=100)
    rank = models.IntegerField(null=True, blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("0.00"))
    kind = models.CharField(max_length=20, blank=True, default="")
    flag = models.BooleanField(default=False)
    seen_at = models.DateTimeField(null=True, blank=True)


class Writer(Row):
    """Whom books point at, by key, slug, URL, or as an object."""

    name = models.CharField(max_length=50)
    slug = models.SlugField(unique=True)
    country = models.CharField(max_length=2)


class Genre(Row):
    name = models.CharField(max_length=20)


class Book(Row):
    title = models.CharField(max_length=100)
    writer = models.ForeignKey(Writer, models.CASCADE)
    editor = models.ForeignKey(
        Writer, models.SET_NULL, null=True, blank=True, related_name="edited"
    )
    genres = models.ManyToManyField(Genre, blank=True)


class Publisher(models.Model):
    """What an edition points at by a UUID."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["id"]


class Shelf(models.Model):
    """What an edition points at by a slug, which is the key."""

    slug = models.SlugField(primary_key=True)
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["slug"]


class Edition(models.Model):
    """A row with a UUID of its own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=100)
    publisher = models.ForeignKey(Publisher, models.SET_NULL, null=True, blank=True)
    shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="standing")
    shelves = models.ManyToManyField(Shelf, blank=True)

    class Meta:
        ordering = ["id"]


class Maker(models.Model):
    """What a specimen points at by a UUID."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["id"]


class Mark(models.Model):
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["id"]


class Specimen(models.Model):
    """A column of every kind, nearly all nullable: querysets are compared with the ORM on it."""

    class Grade(models.TextChoices):
        FINE = "f", "Fine"
        GOOD = "g", "Good"
        POOR = "p", "Poor"

    label = models.CharField(max_length=100, blank=True)
    slug = models.SlugField(max_length=50)
    number = models.IntegerField(null=True)
    ratio = models.FloatField(null=True)
    price = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    span = models.DurationField(null=True)
    clock = models.TimeField(null=True)
    code = models.UUIDField(null=True)
    grade = models.CharField(max_length=1, choices=Grade.choices, null=True)
    sound = models.BooleanField(null=True)
    extra = models.JSONField(default=dict)
    maker = models.ForeignKey(Maker, models.PROTECT, null=True)
    # Teams come and go with other tests.
    team = models.ForeignKey(Team, models.DO_NOTHING, null=True, db_constraint=False)
    origin = models.ForeignKey(Mark, models.PROTECT, null=True, related_name="origin_of")
    marks = models.ManyToManyField(Mark)

    class Meta:
        ordering = ["id"]
