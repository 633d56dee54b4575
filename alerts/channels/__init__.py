"""Ways to tell somebody something; see `base.NotificationChannel` for how to add one."""
