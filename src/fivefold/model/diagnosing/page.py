"""stub."""
from fivefold.report import Page


def diagnosis_page(report, objective, config):
    """Stub."""
    return Page(title="Diagnosis", lead="", kicker="", sections=[])
