"""Our own pages about people; log-in, sign-up and the second factor are allauth's."""

from __future__ import annotations

from django.urls import path

from . import activity_views, person_views, security_views, views

app_name = "accounts"

urlpatterns = [
    path("users/", views.users, name="users"),
    path("users/invite/", views.invite, name="invite"),
    path("users/invite/again/", views.invitation_resend, name="invitation-resend"),
    path("users/invite/withdraw/", views.invitation_withdraw, name="invitation-withdraw"),
    path("users/<uuid:user_id>/reset/", views.send_reset, name="send-reset"),
    path("users/<uuid:user_id>/suspend/", views.suspend, name="suspend"),
    path("users/<uuid:user_id>/restore/", views.restore, name="restore"),
    path("users/<uuid:user_id>/role/", views.change_role, name="change-role"),
    path("users/<uuid:user_id>/", person_views.person, name="person"),
    path("users/<uuid:user_id>/note/", person_views.note, name="note"),
    path("activity/", activity_views.activity, name="activity"),
    path("activity/new/", activity_views.activity_new, name="activity-new"),
    path("activity/export/", activity_views.activity_export, name="activity-export"),
    path("activity/flags/", activity_views.flags, name="flags"),
    path("activity/flags/<uuid:flag_id>/review/", activity_views.flag_review, name="flag-review"),
    path("accounts/security/", security_views.security, name="security"),
    path("accounts/security/sessions/end/", security_views.sessions_end, name="sessions-end"),
    path(
        "accounts/security/sessions/<uuid:session>/end/",
        security_views.session_end,
        name="session-end",
    ),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
]
