"""Pages about portfolios and transactions."""

from __future__ import annotations

from django.urls import path

from . import everybody, managing, statements, views

app_name = "portfolio"

urlpatterns = [
    path("portfolio/", views.overview, name="overview"),
    path("portfolio/trade/", views.trade, name="trade"),
    path("portfolio/preview/", views.preview, name="preview"),
    path("portfolio/transactions/", statements.transactions, name="transactions"),
    path("portfolio/transactions/export/", statements.export, name="export"),
    path("portfolio/import/", statements.import_page, name="import"),
    path("portfolio/create/", managing.create, name="create"),
    path("portfolio/<uuid:portfolio_id>/rename/", managing.rename, name="rename"),
    path("portfolio/<uuid:portfolio_id>/reset/", managing.reset, name="reset"),
    path("portfolio/<uuid:portfolio_id>/archive/", managing.archive, name="archive"),
    path("transactions/", everybody.all_transactions, name="all-transactions"),
    path("transactions/export/", everybody.export, name="all-transactions-export"),
]
