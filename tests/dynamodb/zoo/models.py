"""Keepers, animals and visits: every kind of key, index and constraint, and links that dangle."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


class Keeper(models.Model):
    """Somebody whose key is a text, now and then longer than a key of DynamoDB."""

    objects: ClassVar[Any]  # the type checker sees no managers of an app not installed
    name = models.TextField(primary_key=True)
    boss = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, db_constraint=False, related_name="team"
    )
    pay = models.DecimalField(max_digits=30, decimal_places=8, null=True)

    class Meta:
        app_label = "zoo"

    def __str__(self) -> str:
        return self.name


class Animal(models.Model):
    """An animal, with an index of each kind."""

    objects: ClassVar[Any]  # the type checker sees no managers of an app not installed
    keeper = models.ForeignKey(
        Keeper, on_delete=models.CASCADE, null=True, db_constraint=False, related_name="animals"
    )
    code = models.CharField(max_length=20, null=True, unique=True)  # noqa: DJ001 - as data has it
    cage = models.IntegerField(null=True)
    spot = models.IntegerField(null=True)
    kind = models.CharField(max_length=20)
    legs = models.IntegerField(default=4)
    tame = models.BooleanField(null=True)
    born = models.DateTimeField(null=True)
    mass = models.FloatField(null=True)
    price = models.DecimalField(max_digits=30, decimal_places=8, null=True)
    story = models.TextField(blank=True)

    class Meta:
        app_label = "zoo"
        indexes = [
            models.Index(fields=["keeper", "-born"], name="zoo_keeper_born"),
            models.Index(fields=["kind", "legs", "price"], name="zoo_kind_legs"),
            models.Index(fields=["kind", "story"], name="zoo_kind_story"),
            models.Index(fields=["price"], name="zoo_price"),
            models.Index(fields=["story"], name="zoo_story"),
            models.Index(fields=["legs", "mass"], name="zoo_wild", condition=Q(kind="cat")),
            models.Index(
                fields=["born"],
                name="zoo_loose",
                condition=Q(cage__isnull=True) & Q(kind__in=["cat", "ant"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["cage", "spot"], name="zoo_one_per_spot"),
            models.UniqueConstraint(
                fields=["kind", "mass"], condition=Q(tame=True), name="zoo_tame_by_mass"
            ),
            models.CheckConstraint(condition=Q(legs__gte=0), name="zoo_legs"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Visit(models.Model):
    """A visit with a composite key, spread over several partitions."""

    objects: ClassVar[Any]  # the type checker sees no managers of an app not installed
    pk: Any = models.CompositePrimaryKey("guest", "day")
    guest = models.CharField(max_length=20)
    day = models.IntegerField()
    animal = models.ForeignKey(
        Animal, on_delete=models.CASCADE, null=True, db_constraint=False, related_name="visits"
    )
    paid = models.DecimalField(max_digits=30, decimal_places=8)

    class Meta:
        app_label = "zoo"
        indexes = [models.Index(fields=["paid", "day"], name="zoo_paid")]

    def __str__(self) -> str:
        return f"{self.guest} on {self.day}"
