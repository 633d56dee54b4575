"""The URLs of the Django admin, with every app's classes registered: see `cryptopulse.late`."""

from django.contrib import admin

admin.autodiscover()
urlpatterns = admin.site.get_urls()
