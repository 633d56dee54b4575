"""What a portfolio tells whoever listens; the apps above it subscribe."""

from django.dispatch import Signal

#: Sent inside the trade's transaction, so that a receiver's rows commit or vanish with it; a
#: receiver that raises undoes the trade. Arguments: `transaction` (Transaction), `coin_name`.
trade_executed = Signal()
