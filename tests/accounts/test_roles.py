"""The role matrix, each cell of it."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.roles import DJANGO_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role

#: The product's matrix as it was agreed, written a second time and independently: U, A, N, M
#: for user, admin, analyst, moderator.
MATRIX = {
    Permission.USE_DASHBOARD: "U",
    Permission.USE_ADMIN_PORTAL: "A",
    Permission.USE_ANALYST_PORTAL: "N",
    Permission.USE_MODERATOR_PORTAL: "M",
    Permission.TRADE: "U",
    Permission.READ_MARKET: "UANM",
    Permission.MANAGE_COINS: "A",
    Permission.VIEW_USERS: "AM",
    Permission.MANAGE_USERS: "A",
    Permission.SUSPEND_USERS: "AM",
    Permission.VIEW_STATISTICS: "ANM",
    Permission.ANALYSE_MARKET: "N",
    Permission.MONITOR_ACTIVITY: "M",
    Permission.VIEW_OWN_TRANSACTIONS: "U",
    Permission.VIEW_ALL_TRANSACTIONS: "AM",
    Permission.RECEIVE_EMAIL: "UANM",
    Permission.CHOOSE_CURRENCY: "UANM",
    Permission.SET_ALERTS: "U",
    Permission.MANAGE_SCHEDULES: "A",
}
LETTERS = {Role.USER: "U", Role.ADMIN: "A", Role.ANALYST: "N", Role.MODERATOR: "M"}

CELLS = [(role, permission) for role in Role for permission in Permission]


@pytest.mark.parametrize(("role", "permission"), CELLS)
def test_each_role_may_what_the_matrix_says(role: Role, permission: Permission) -> None:
    assert User(role=role).may(permission) is (LETTERS[role] in MATRIX[permission])


@pytest.mark.parametrize(("role", "permission"), CELLS)
def test_a_suspended_person_may_nothing(role: Role, permission: Permission) -> None:
    assert not User(role=role, is_active=False).may(permission)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("perm", sorted(DJANGO_PERMISSIONS))
def test_django_permissions_follow_from_the_matrix(role: Role, perm: str) -> None:
    allowed = LETTERS[role] in MATRIX[DJANGO_PERMISSIONS[perm]]
    person = User(role=role, is_superuser=True, is_staff=True)
    assert person.has_perm(perm) is allowed
    assert person.has_perms([perm]) is allowed
    assert not User(role=role, is_active=False, is_superuser=True).has_perm(perm)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "perm",
    [
        "accounts.change_user", "accounts.delete_user", "accounts.add_user",
        "accounts.delete_activity", "portfolio.change_transaction", "portfolio.delete_portfolio",
        "alerts.change_pricealert", "auth.add_group", "", "nonsense",
    ],
)  # fmt: skip
def test_what_the_table_does_not_name_nobody_may(role: Role, perm: str) -> None:
    assert not User(role=role, is_superuser=True).has_perm(perm)


def test_every_role_and_permission_has_its_row() -> None:
    assert set(MATRIX) == set(Permission)
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_an_unknown_role_may_nothing() -> None:
    assert not any(User(role="superhero").may(permission) for permission in Permission)


@pytest.mark.django_db
def test_staff_follows_from_the_role_at_each_save(alice: User) -> None:
    alice.role = Role.MODERATOR
    alice.save(update_fields=["role"])
    alice.refresh_from_db()
    assert alice.is_staff
    alice.role, alice.is_staff = Role.USER, True
    alice.save()
    alice.refresh_from_db()
    assert not alice.is_staff


@pytest.mark.django_db
def test_a_superuser_is_just_an_admin() -> None:
    chief = User.objects.create_superuser("chief", "chief@example.com", "x", is_superuser=True)
    assert (chief.role, chief.is_superuser, chief.is_staff) == (Role.ADMIN, False, True)
