"""What people are told about: which kinds there are, whose they are, and whether they want them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.roles import Permission
from alerts.models import Notification

if TYPE_CHECKING:
    from accounts.models import User

Kind = Notification.Kind

#: In `User.notification_choices` beside the kinds: those of which no mail is to come, whatever an
#: alert of the person's says. Mails carry the link that adds theirs.
MAIL_OFF = "mail_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKind:
    """One kind of message to people.

    `needs` is asked when it is written and again when it is sent: who has another role meanwhile
    gets none. `default`: where it goes for those who have not chosen.
    """

    code: str
    label: Any
    question: Any
    help_text: Any
    needs: Permission
    default: tuple[str, ...] = ("in_app",)


_EVERYWHERE = ("in_app", "email")

KINDS = {
    kind.code: kind
    for kind in (
        MessageKind(
            code=Kind.TRADE.value,
            label=_("trade confirmations"),
            question=_("Trade confirmations"),
            help_text=_("After every buy and every sale. Untick all to get none."),
            needs=Permission.TRADE,
        ),
        MessageKind(
            code=Kind.PRICE_ALERT.value,
            label=_("price alerts"),
            question=_("New price alerts go to"),
            help_text=_("Where a new alert is sent unless you say otherwise."),
            needs=Permission.SET_ALERTS,
        ),
        MessageKind(
            code=Kind.DIGEST.value,
            label=_("the daily market digest"),
            question=_("Daily market digest"),
            help_text=_("Market cap, movers and breadth at 7 o'clock of your time zone."),
            needs=Permission.ANALYSE_MARKET,
            default=_EVERYWHERE,
        ),
        MessageKind(
            code=Kind.FLAGS.value,
            label=_("flagged patterns"),
            question=_("Flagged patterns"),
            help_text=_("When what people do looks like an attack or abuse."),
            needs=Permission.MONITOR_ACTIVITY,
            default=_EVERYWHERE,
        ),
        MessageKind(
            code=Kind.OPERATIONS.value,
            label=_("operations"),
            question=_("Operations"),
            help_text=_("When a feed, its budget or a background job fails, and when it recovers."),
            needs=Permission.USE_ADMIN_PORTAL,
            default=_EVERYWHERE,
        ),
    )
}


def may_have(user: User, kind: str) -> bool:
    """Tell whether a person may be told this kind of thing now; other mail is everybody's."""
    return kind not in KINDS or user.may(KINDS[kind].needs)


def chosen_channels(user: User | None, kind: str) -> list[str]:
    """Return where a person wants events of this kind told; what nobody delivers is left out.

    Nowhere for a kind that their role does not have.
    """
    if user is None or not may_have(user, kind):
        return []
    default = KINDS[kind].default if kind in KINDS else ("in_app",)
    chosen = user.notification_choices.get(kind, default)
    if not isinstance(chosen, (list, tuple)):
        chosen = default
    return [
        channel
        for channel in dict.fromkeys(chosen)
        if channel in settings.NOTIFICATION_CHANNELS
        and not (channel == "email" and is_mail_off(user, kind))
    ]


def is_mail_off(user: User, kind: str) -> bool:
    """Tell whether the person has turned the mails of this kind off."""
    off = user.notification_choices.get(MAIL_OFF, ())
    return isinstance(off, (list, tuple)) and kind in off


def with_mail(choices: Mapping[str, Any], *, kind: str, on: bool) -> dict[str, Any]:
    """Return a person's choices with the mails of one kind turned on or off.

    Off leaves the choice as it was, so that on again is what it has been. New alerts keep theirs
    either way: where they go is asked at each.
    """
    off = [one for one in _texts(choices.get(MAIL_OFF)) if one != kind]
    if not on:
        return {**choices, MAIL_OFF: [*off, kind]}
    default = KINDS[kind].default if kind in KINDS else ("in_app",)
    channels = _texts(choices.get(kind, default))
    if "email" not in channels and kind != Kind.PRICE_ALERT:
        channels.append("email")
    return {**choices, kind: channels, MAIL_OFF: off}


def with_chosen(choices: Mapping[str, Any], asked: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Return a person's choices after they have ticked channels: a ticked e-mail is on again."""
    off = [
        kind for kind in _texts(choices.get(MAIL_OFF)) if "email" not in list(asked.get(kind, ()))
    ]
    chosen = {kind: list(channels) for kind, channels in asked.items()}
    return {**choices, **chosen, **({MAIL_OFF: off} if MAIL_OFF in choices else {})}


def _texts(value: Any) -> list[str]:
    """Return the texts of a stored list, whatever stands there."""
    return (
        [one for one in value if isinstance(one, str)] if isinstance(value, (list, tuple)) else []
    )
