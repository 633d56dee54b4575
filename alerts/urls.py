"""Alerts, the bell, where a person may be told things, and the way out of a mail."""

from __future__ import annotations

from django.urls import path

from .views import alerts, bell, channels, mails

app_name = "alerts"

alert_urls = [
    path("alerts/", alerts.alert_list, name="list"),
    path("alerts/create/", alerts.alert_create, name="create"),
    path("alerts/coins/", alerts.coin_suggestions, name="coins"),
    path("alerts/fired.csv", alerts.history_csv, name="history-csv"),
    path("alerts/pause/", alerts.alerts_pause, name="pause-all"),
    path("alerts/resume/", alerts.alerts_resume, name="resume-all"),
    path("alerts/<uuid:alert_id>/change/", alerts.alert_change, name="change"),
    path("alerts/<uuid:alert_id>/pause/", alerts.alert_pause, name="pause"),
    path("alerts/<uuid:alert_id>/resume/", alerts.alert_resume, name="resume"),
    path("alerts/<uuid:alert_id>/delete/", alerts.alert_delete, name="delete"),
]

bell_urls = [
    path("notifications/", bell.bell, name="bell"),
    path("notifications/read/", bell.bell_read, name="bell-read"),
]

channel_urls = [
    path("notifications/channels/", channels.channels, name="channels"),
    path("notifications/channels/sms/", channels.channel_sms_start, name="channel-sms-start"),
    path(
        "notifications/channels/sms/code/",
        channels.channel_sms_confirm,
        name="channel-sms-confirm",
    ),
    path("notifications/channels/sns-email/", channels.channel_sns_email, name="channel-sns-email"),
    path(
        "notifications/channels/<str:kind>/remove/", channels.channel_remove, name="channel-remove"
    ),
]

mail_urls = [
    path("notifications/off/<str:token>/", mails.mail_off, name="mail-off"),
    path("notifications/on/<str:token>/", mails.mail_on, name="mail-on"),
]

urlpatterns = [*alert_urls, *bell_urls, *channel_urls, *mail_urls]
