"""Where only disputed statements deny, the word for the denial is the one on which other engines agree (M3).

AWS fills a variable in anywhere after the fifth colon of a resource. Other engines skip it in a name of one part (save
buckets), and leave a NotResource list with an absent variable out of account where the resource's name has several
parts. A request that would be denied without the statements that hang on this is called implicitly denied.
"""

import re
from typing import Any

from tests.oracle.evaluate import (
    EXPLICIT,
    IMPLICIT,
    VARIABLE,
    Case,
    Statement,
    evaluate,
    listed,
    resource_applies,
    statements,
    variable,
)


def labelled(case: Case) -> str:
    """The verdict of a complete case; one about several resources keeps its own word."""
    verdict = evaluate(case)
    if verdict == EXPLICIT and not case.get("also") and evaluate(undisputed(case, case)) == IMPLICIT:
        return IMPLICIT
    return verdict


def undisputed(value: Any, case: Case) -> Any:
    """A case, or what is in it, without its disputed statements."""
    if isinstance(value, list):
        return [undisputed(item, case) for item in value]
    if not isinstance(value, dict):
        return value
    if "Statement" in value:
        pairs = zip(listed(value["Statement"]), statements(value), strict=True)
        return {**value, "Statement": [written for written, read in pairs if not is_disputed(read, case)]}
    return {name: item if name == "settings" else undisputed(item, case) for name, item in value.items()}


def is_disputed(statement: Statement, case: Case) -> bool:
    """Whether the engines differ about the Resource or NotResource list of a statement in this request."""
    found: dict[str, list[str]] = {}
    for pattern in listed(statement.get("Resource", statement.get("NotResource"))):
        names = (
            re.findall(VARIABLE, pattern) if statement["_version"] == "2012-10-17" and pattern.count(":") > 4 else []
        )
        found[pattern] = [name[2:-1] for name in names if name not in ("${*}", "${?}", "${$}")]
    if "NotResource" in statement:
        absent = any(variable(case, name) is None for names in found.values() for name in names)
        return absent and has_parts(case["resource"])
    matching = [pattern for pattern in found if resource_applies(case, {**statement, "Resource": pattern})]
    plain = any(not found[pattern] for pattern in matching)
    return bool(matching) and not plain and not any(has_parts(one) or ":s3:" in one for one in matching)


def has_parts(arn: str) -> bool:
    """Whether what an ARN names has a type or a path."""
    return re.search("[/:]", re.sub(VARIABLE, "", arn.split(":", 5)[-1])) is not None
