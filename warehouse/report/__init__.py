"""The report: one HTML file for a browser, without any other file."""

from warehouse.report.model import ReportData, SiteReport
from warehouse.report.page import page
from warehouse.report.queries import report_data
from warehouse.report.write import Reported, write_report

__all__ = ["ReportData", "Reported", "SiteReport", "page", "report_data", "write_report"]
