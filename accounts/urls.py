"""Our own pages about people; log-in, sign-up and the second factor are allauth's."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "accounts"

urlpatterns = [
    path("users/", views.users, name="users"),
    path("users/invite/", views.invite, name="invite"),
    path("users/<uuid:user_id>/suspend/", views.suspend, name="suspend"),
    path("users/<uuid:user_id>/restore/", views.restore, name="restore"),
    path("users/<uuid:user_id>/role/", views.change_role, name="change-role"),
    path("activity/", views.activity, name="activity"),
    path("accounts/security/", views.security, name="security"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
]
