"""The truth of a residual in a completed case, from the grammar of the answers alone.

`{"all": […]}`, `{"any": […]}`, `{"not": …}`, or a leaf: a condition (`key`, `operator`, `values`), a pattern
(`resource`, `matches`), or a document that was not read (`document`: true if it allows the request). Variables that
are left in values and patterns are those of version 2012-10-17.
"""

from collections.abc import Mapping
from typing import Any

from tests.oracle.evaluate import Case, condition_holds, fits, regex_of

VERSION = "2012-10-17"


def holds(tree: Any, case: Case, documents: Mapping[str, bool]) -> bool:
    """Whether the residual allows the completed case; `documents`: which of those that were not read allow it."""
    if "all" in tree:
        return all(holds(item, case, documents) for item in tree["all"])
    if "any" in tree:
        return any(holds(item, case, documents) for item in tree["any"])
    if "not" in tree:
        return not holds(tree["not"], case, documents)
    if "document" in tree:
        return documents[tree["document"]]
    if "matches" in tree:
        return fits(regex_of(case, tree["matches"], VERSION), tree["resource"])
    return condition_holds(case, tree["operator"], tree["key"], tree["values"], VERSION)
