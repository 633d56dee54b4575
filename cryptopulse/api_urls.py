"""The URLs of the JSON API: see `cryptopulse.late`."""

from .api import api

urlpatterns = api.urls[0]
