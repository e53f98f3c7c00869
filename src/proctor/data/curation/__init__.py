"""Curation: rows of any source into tasks worth training on, with a report of what was removed and why.

Filters are frozen values over rows that lie on the disk. What needs a model or a verifier is handed in; nothing here
imports torch or samples by itself.
"""

from proctor.data.curation.pipeline import Outside, curate
from proctor.data.curation.report import CurationReport
from proctor.data.curation.spec import FILTERS, CurationSpec, read_spec

__all__ = ["FILTERS", "CurationReport", "CurationSpec", "Outside", "curate", "read_spec"]
