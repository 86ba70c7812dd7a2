"""The dashboard: pages over the published warehouse, served to browsers, read-only."""

from warehouse.dashboard.access import Access
from warehouse.dashboard.app import dashboard_app
from warehouse.dashboard.published import PublishedWarehouse
from warehouse.dashboard.serve import serve

__all__ = ["Access", "PublishedWarehouse", "dashboard_app", "serve"]
