"""Who may do something, as those who are told about it."""

from __future__ import annotations

from accounts.models import User
from accounts.roles import ROLE_PERMISSIONS, Permission


def people_who_may(permission: Permission) -> list[User]:
    """Return the people who may do this now, the longest here first. One query by the role.

    Meant for what a few roles have: everybody who may trade is as many as there are.
    """
    roles = [role for role, granted in ROLE_PERMISSIONS.items() if permission in granted]
    found = User.objects.filter(role__in=roles, is_active=True)
    return sorted(found, key=lambda person: person.pk)
