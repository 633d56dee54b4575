"""Accounts and their entries: keys of several kinds, constraints, indexes, relations."""

from __future__ import annotations

import uuid

from django.db import models


class Owner(models.Model):
    """Somebody with a unique name."""

    name = models.CharField(max_length=100, unique=True)
    born = models.DateField(null=True)

    class Meta:
        app_label = "ledger"

    def __str__(self) -> str:
        return self.name


class Label(models.Model):
    """A word that entries carry; its own text is the key."""

    word = models.CharField(max_length=40, primary_key=True)

    class Meta:
        app_label = "ledger"

    def __str__(self) -> str:
        return self.word


class Account(models.Model):
    """Money of an owner, which may not fall below nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="accounts")
    currency = models.CharField(max_length=3, default="USD")
    balance = models.DecimalField(max_digits=30, decimal_places=8, default=0)

    class Meta:
        app_label = "ledger"
        constraints = [
            models.UniqueConstraint(fields=["owner", "currency"], name="ledger_one_per_currency"),
            models.CheckConstraint(condition=models.Q(balance__gte=0), name="ledger_not_below_0"),
        ]

    def __str__(self) -> str:
        return f"{self.owner}: {self.balance} {self.currency}"


class Entry(models.Model):
    """One movement on an account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="entries")
    amount = models.DecimalField(max_digits=30, decimal_places=8)
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    weight = models.FloatField(null=True)
    extra = models.JSONField(default=dict)
    labels = models.ManyToManyField(Label)

    class Meta:
        app_label = "ledger"
        indexes = [models.Index(fields=["account", "-at"], name="ledger_entry_recent")]

    def __str__(self) -> str:
        return f"{self.amount} at {self.at}"
