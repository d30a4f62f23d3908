"""The kinds of review that auditors ask for, ready to open: scope, time to answer, and the controls they serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reviews.errors import CampaignPlanError


@dataclass(frozen=True)
class Template:
    """``days``: how long reviewers have. ``controls`` are ids of requirements that the review is evidence for."""

    name: str
    title: str
    in_words: str
    scope: Mapping[str, tuple[str, ...]]
    days: int
    controls: tuple[str, ...]


_BASE = ("ISO/IEC 27001:2022 A.5.18", "SOC 2 CC6.2", "SOC 2 CC6.3", "NIST SP 800-53 AC-2(j)")

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        Template(
            "quarterly",
            "Quarterly review of all access",
            "Everything that AWS could take away, of people, workloads and outside companies.",
            {},
            21,
            (*_BASE, "ISO/IEC 27001:2022 A.5.15", "PCI DSS 7.2.4", "NYDFS 500.7"),
        ),
        Template(
            "people",
            "Access of people",
            "What people hold: their assignments, their groups, their passwords and keys.",
            {"identities": ("human",)},
            14,
            (*_BASE, "PCI DSS 7.2.4", "ISO/IEC 27001:2022 A.5.16"),
        ),
        Template(
            "privileged",
            "Privileged access",
            "Whatever can do everything in an account, or change who may use something.",
            {"privileged": ("yes",)},
            14,
            ("ISO/IEC 27001:2022 A.8.2", "NIST SP 800-53 AC-6(7)", "SOC 2 CC6.3"),
        ),
        Template(
            "external",
            "Access from outside the organisation",
            "What other companies, and anyone on the internet, can use.",
            {"external": ("yes",)},
            14,
            ("PCI DSS 7.2.4", "SOC 2 CC6.3", "ISO/IEC 27001:2022 A.5.18"),
        ),
        Template(
            "credentials",
            "Passwords and access keys",
            "Long-lived credentials: how old they are, whether they are used, whether a second factor is asked.",
            {"kind": ("access-key", "password")},
            14,
            ("PCI DSS 7.2.5.1", "ISO/IEC 27001:2022 A.5.17", "ISO/IEC 27001:2022 A.8.5", "SOC 2 CC6.1"),
        ),
    )
}


def template_of(name: str) -> Template:
    """The template of that name; raises ``CampaignPlanError`` naming those that there are."""
    if name not in TEMPLATES:
        raise CampaignPlanError(f"unknown template `{name}`: one of {', '.join(TEMPLATES)}")
    return TEMPLATES[name]
