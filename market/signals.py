"""What the market tells whoever listens; the apps above it subscribe."""

from django.dispatch import Signal

#: Sent by `services.ingest` after a batch of quotes is stored, in the thread that stored it and
#: outside any transaction. Arguments: `quotes` (list[Quote], only those that moved a coin),
#: `now` (datetime), `is_shown` (bool: `prices_ticked` has told of them before). A receiver that
#: fails does not keep the others from hearing (send_robust).
prices_updated = Signal()

#: Sent several times a second while a stream runs, before anything is stored, in a thread that may
#: block for a moment. Arguments: `quotes` (list[Quote], the newest of each coin that ticked),
#: `now` (datetime). What is stored of them comes with `prices_updated`, up to a second later.
prices_ticked = Signal()

#: Sent when a feed is given up for a while or needs an administrator: once at the failure that
#: does it. Arguments: `name` (of the feed), `sentence` (what is wrong), `now` (datetime).
feed_failed = Signal()
