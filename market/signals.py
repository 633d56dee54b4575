"""What the market tells whoever listens; the apps above it subscribe."""

from django.dispatch import Signal

#: Sent by `services.ingest` after a batch of quotes is stored, in the thread that stored it and
#: outside any transaction. Arguments: `quotes` (list[Quote], only those that moved a coin),
#: `now` (datetime). A receiver that fails does not keep the others from hearing (send_robust).
prices_updated = Signal()

#: Sent when a feed is given up for a while or needs an administrator: once at the failure that
#: does it. Arguments: `name` (of the feed), `sentence` (what is wrong), `now` (datetime).
feed_failed = Signal()
