"""Feeds: where prices come from. One module each; settings.FEEDS names them."""
