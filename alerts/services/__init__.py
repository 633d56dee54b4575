"""The door of the alerts app: everything that another app may ask of it."""

from __future__ import annotations

from alerts.refusals import AlertRejected

from .alerts import (
    MAX_ALERTS,
    AlertView,
    create_alert,
    delete_alert,
    describe,
    own_alerts,
    pause,
    pause_all,
    resume,
)
from .channels import (
    ChannelState,
    channel_label,
    channels_for,
    confirm_sms,
    delete_topic,
    refresh_channel,
    refresh_channels,
    remove_channel,
    start_sms,
    subscribe_sns_email,
)
from .delivery import deliver_due
from .evaluation import evaluate, evaluate_waiting
from .notifications import (
    bell,
    chosen_channels,
    confirm_trade,
    history,
    mark_read,
    notify,
    purge_notifications,
    tell_operators,
    unread_count,
)
from .statistics import AlertStatistics, alert_statistics

__all__ = [
    "MAX_ALERTS",
    "AlertRejected",
    "AlertStatistics",
    "AlertView",
    "ChannelState",
    "alert_statistics",
    "bell",
    "channel_label",
    "channels_for",
    "chosen_channels",
    "confirm_sms",
    "confirm_trade",
    "create_alert",
    "delete_alert",
    "delete_topic",
    "deliver_due",
    "describe",
    "evaluate",
    "evaluate_waiting",
    "history",
    "mark_read",
    "notify",
    "own_alerts",
    "pause",
    "pause_all",
    "purge_notifications",
    "refresh_channel",
    "refresh_channels",
    "remove_channel",
    "resume",
    "start_sms",
    "subscribe_sns_email",
    "tell_operators",
    "unread_count",
]
