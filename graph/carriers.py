"""Compute that carries a role: functions, instances and tasks act as it, where its trust lets their service in.

The service assumes the role for the resource ("An IAM role … that grants the function permission to access AWS services
and resources"), so that the step is the decision about the service, as for any other principal. Nobody becomes a
resource by it: chains of people and roles have no step to one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graph.deciding import Decider, Outcome
from graph.steps import ASSUME_ROLE, Step
from graph.subjects import Subject, Subjects
from model.entities import Resource
from model.inventory import Inventory
from policy.context import NO_OVERRIDES, Overrides
from policy.request import Principal
from policy.verdicts import Verdict

#: The kind of a subject that is a resource; no build lists one.
CARRIER = "Resource"

#: The service that the trust of a carried role must name, by the type of the resource.
SERVICES: Mapping[str, str] = {
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    "lambda:function": "lambda.amazonaws.com",
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
    "ec2:instance": "ec2.amazonaws.com",
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    "ecs:task-definition": "ecs-tasks.amazonaws.com",
    # https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html
    "codebuild:project": "codebuild.amazonaws.com",
    # https://docs.aws.amazon.com/glue/latest/dg/create-an-iam-role.html
    "glue:job": "glue.amazonaws.com",
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
    "states:stateMachine": "states.amazonaws.com",
}

#: What a service is also called in a partition, by partition and type: the name that AWS tells people there to trust.
_ALSO: Mapping[tuple[str, str], str] = {
    # https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html
    ("aws-cn", "ec2:instance"): "ec2.amazonaws.com.cn",
}

_PREFIXES = frozenset(kind.partition(":")[0] for kind in SERVICES)


@dataclass(frozen=True, slots=True)
class Carried:
    """The role that a resource carries, empty where it was not read, and whether its service may assume it.

    ``missing``: nobody collected such a role.
    """

    role: str
    service: str
    outcome: Outcome
    missing: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "service": self.service,
            "verdict": str(self.outcome.verdict),
            "residual": self.outcome.residual,
            "because": list(self.outcome.because),
        }


def carrier(inventory: Inventory, arn: str) -> Resource | None:
    """The collected resource of this ARN if it carries a role, or may; a function's version may have another one.

    Looking up a resource opens its account, which nobody pays for who asks about somebody else.
    """
    found = inventory.resources.get(arn) if may_carry(arn) else None
    return found if found is not None and found.type in SERVICES and (found.role or found.unread_role) else None


def may_carry(arn: str) -> bool:
    """Whether an ARN is of a service that has such resources."""
    parts = arn.split(":", 5)
    return len(parts) == 6 and parts[2] in _PREFIXES


def carrier_subject(resource: Resource) -> Subject:
    """A resource as the one who asks: it acts through the role alone."""
    return Subject(-1, resource.arn, CARRIER, None, account=resource.account)


def carried(inventory: Inventory, decider: Decider, arn: str, overrides: Overrides = NO_OVERRIDES) -> Carried | None:
    """What a resource carries; ``None``: nothing."""
    resource = carrier(inventory, arn)
    if resource is None:
        return None
    also = _ALSO.get((resource.arn.split(":", 2)[1], resource.type))
    names = (SERVICES[resource.type],) if also is None else (also, SERVICES[resource.type])
    if not resource.role:
        return Carried("", names[0], _unknown(resource.unread_role))
    if resource.role not in inventory.roles:
        return Carried(resource.role, names[0], _missing(inventory, resource.role), missing=True)
    found = []
    for name in names:
        asking = Subject(-1, name, "Service", decider.assembler.caller(Principal.parse(name)))
        found.append(Carried(resource.role, name, decider.decide(asking, ASSUME_ROLE, resource.role, overrides)))
    return min(found, key=lambda one: one.outcome.rank)


def carrying_steps(
    subject: Subject, inventory: Inventory, decider: Decider, subjects: Subjects, overrides: Overrides
) -> Iterator[Step]:
    """The step of a resource to the role that it carries, unless its service is kept out; such a session has no MFA."""
    found = carried(inventory, decider, subject.key, overrides)
    if found is not None and found.outcome.can and found.role in inventory.roles:
        yield Step(subject, subjects.session(found.role, lost=True), ASSUME_ROLE, found.outcome)


def _unknown(document: str) -> Outcome:
    return Outcome(Verdict.CONDITIONAL, {"document": document}, (), certain=False)


def _missing(inventory: Inventory, role: str) -> Outcome:
    """A role that was not collected: there is none, unless its account could not be read."""
    account = role.split(":", 5)[4]
    known = inventory.accounts.get(account)
    if known is not None and known.collected and account not in inventory.data.unread_principals:
        return Outcome(Verdict.IMPLICITLY_DENIED, None, (), certain=False)
    return _unknown(f"{role}#trust")
