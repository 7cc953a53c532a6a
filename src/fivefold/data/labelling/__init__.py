"""Labels from expressions, people and rules; their quality; what to label next.

Here are the functions that ``conf/`` names by ``_target_``; the stage is
:mod:`fivefold.data.label`.
"""

from fivefold.data.labelling.label_studio import label_studio_export
from fivefold.data.labelling.rules import at_least, binned, contains, when

__all__ = ["at_least", "binned", "contains", "label_studio_export", "when"]
