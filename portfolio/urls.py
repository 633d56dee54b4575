"""Pages about portfolios and transactions."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "portfolio"

urlpatterns = [
    path("portfolio/", views.overview, name="overview"),
    path("portfolio/trade/", views.trade, name="trade"),
    path("portfolio/preview/", views.preview, name="preview"),
    path("portfolio/transactions/", views.transactions, name="transactions"),
    path("portfolio/create/", views.create, name="create"),
    path("portfolio/<uuid:portfolio_id>/rename/", views.rename, name="rename"),
    path("transactions/", views.all_transactions, name="all-transactions"),
]
