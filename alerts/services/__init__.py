"""The door of the alerts app: everything that another app may ask of it."""

from __future__ import annotations

from alerts.refusals import AlertRejected

from .alerts import change_alert, create_alert, delete_alert, pause, pause_all, resume
from .bulk import BulkResult, pause_own, resume_own
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
from .daily import fired_by_day
from .delivery import deliver_due
from .digest import send_digests
from .evaluation import MOST_AT_ONCE, evaluate, evaluate_waiting, fire_coin
from .flags import tell_of_flag
from .inbox import (
    DELIVERY,
    Fired,
    bell,
    bell_page,
    every_fired,
    fired_page,
    mark_read,
    unread_count,
)
from .kinds import KINDS, chosen_channels, may_have, with_chosen
from .notifications import (
    confirm_trade,
    notify,
    purge_notifications,
    tell_operators,
)
from .operations import job_ended, report, report_feed, watch_operations
from .reading import (
    MAX_ALERTS,
    AlertView,
    Hint,
    describe,
    matching_alerts,
    own_alert,
    own_alerts,
    target_hint,
)
from .statistics import AlertStatistics, Outbox, alert_statistics, outbox_state
from .unsubscribing import Subscription, mail_off_path, mail_token, set_mail, subscription

__all__ = [
    "DELIVERY",
    "KINDS",
    "MAX_ALERTS",
    "MOST_AT_ONCE",
    "AlertRejected",
    "AlertStatistics",
    "AlertView",
    "BulkResult",
    "ChannelState",
    "Fired",
    "Hint",
    "Outbox",
    "Subscription",
    "alert_statistics",
    "bell",
    "bell_page",
    "change_alert",
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
    "every_fired",
    "fire_coin",
    "fired_by_day",
    "fired_page",
    "job_ended",
    "mail_off_path",
    "mail_token",
    "mark_read",
    "matching_alerts",
    "may_have",
    "notify",
    "outbox_state",
    "own_alert",
    "own_alerts",
    "pause",
    "pause_all",
    "pause_own",
    "purge_notifications",
    "refresh_channel",
    "refresh_channels",
    "remove_channel",
    "report",
    "report_feed",
    "resume",
    "resume_own",
    "send_digests",
    "set_mail",
    "start_sms",
    "subscribe_sns_email",
    "subscription",
    "target_hint",
    "tell_of_flag",
    "tell_operators",
    "unread_count",
    "watch_operations",
    "with_chosen",
]
