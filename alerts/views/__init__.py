"""Pages about alerts: the list, the bell, channels, and the way out of a mail."""
