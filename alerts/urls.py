"""Alerts, the bell, and where a person may be told things."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "alerts"

alert_urls = [
    path("alerts/", views.alert_list, name="list"),
    path("alerts/create/", views.alert_create, name="create"),
    path("alerts/<uuid:alert_id>/pause/", views.alert_pause, name="pause"),
    path("alerts/<uuid:alert_id>/resume/", views.alert_resume, name="resume"),
    path("alerts/<uuid:alert_id>/delete/", views.alert_delete, name="delete"),
]

bell_urls = [
    path("notifications/", views.bell, name="bell"),
    path("notifications/read/", views.bell_read, name="bell-read"),
]

channel_urls = [
    path("notifications/channels/", views.channels, name="channels"),
    path("notifications/channels/sms/", views.channel_sms_start, name="channel-sms-start"),
    path("notifications/channels/sms/code/", views.channel_sms_confirm, name="channel-sms-confirm"),
    path("notifications/channels/sns-email/", views.channel_sns_email, name="channel-sns-email"),
    path("notifications/channels/<str:kind>/remove/", views.channel_remove, name="channel-remove"),
]

urlpatterns = [*alert_urls, *bell_urls, *channel_urls]
