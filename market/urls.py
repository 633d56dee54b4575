"""The market's pages. The namespace `market` is given in cryptopulse.urls, which adds the page of
one coin to it: that page shows a holding and alerts too, and the market knows neither."""

from __future__ import annotations

from django.urls import path

from . import chart_views, views

urlpatterns = [
    path("markets/", views.coin_list, name="list"),
    path("markets/search", views.coin_search, name="search"),
    path("markets/glance", views.glance, name="glance"),
    path("markets/coins.csv", views.export, name="export"),
    path("markets/<str:coin_id>/chart/", chart_views.chart_data, name="chart-data"),
    path("markets/<str:coin_id>/watch/", views.watch, name="watch"),
    path("charts/", chart_views.charts, name="charts"),
    path("watchlist/", views.watchlist, name="watchlist"),
    path("news/", views.news, name="news"),
]
