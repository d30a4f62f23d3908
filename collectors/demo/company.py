"""Meridian Pay, an invented payments company: its accounts, its units, its forty people and their groups."""

from __future__ import annotations

from typing import Final

from collectors.demo.specs import Person

NAME: Final = "Meridian Pay"
DOMAIN: Final = "meridian.example"
HOME_REGION: Final = "eu-west-1"
REGIONS: Final = ("eu-central-1", "eu-west-1", "us-east-1")

# key: (name, path of its organisational unit; the root is "")
ACCOUNTS: Final[dict[str, tuple[str, str]]] = {
    "management": ("meridian-management", ""),
    "security": ("security-tooling", "Security"),
    "logs": ("log-archive", "Security"),
    "prod": ("payments-prod", "Workloads/Prod"),
    "dev": ("payments-dev", "Workloads/NonProd"),
    "sandbox": ("sandbox", "Sandbox"),
}
UNITS: Final = ("Security", "Workloads", "Workloads/Prod", "Workloads/NonProd", "Sandbox")

# Outside the organisation.
MONITORING_VENDOR: Final = "911532740868"  # "Skylight Metrics": trusted without an external id
PAYROLL_VENDOR: Final = "927406158213"  # "Ledgerline": trusted with one
PARTNER_BANK: Final = "933018427756"  # "Northgate Bank": receives settlement files
VENDORS: Final = {
    MONITORING_VENDOR: "Skylight Metrics",
    PAYROLL_VENDOR: "Ledgerline",
    PARTNER_BANK: "Northgate Bank",
}

# Its own policy denies reading it to everyone but the break-glass role: the collection's one planned gap.
UNREADABLE_BUCKET: Final = "meridian-cardholder-vault-prod"
UNREADABLE_BUCKETS: Final = (UNREADABLE_BUCKET,)


def _department(name: str, manager: str, *people: tuple[str, str, str]) -> tuple[Person, ...]:
    """The first heads the department and reports to `manager`, the others to the first."""
    head = Person(people[0][0], people[0][1], people[0][2], name, manager)
    return (head, *(Person(given, family, title, name, head.user_name) for given, family, title in people[1:]))


PEOPLE: Final[tuple[Person, ...]] = (
    Person("Katarina", "Berg", "Chief Technology Officer", "Executive", ""),
    *_department(
        "Platform",
        "katarina.berg@meridian.example",
        ("Priya", "Raman", "Head of Platform"),
        ("Tomasz", "Zielinski", "Senior Platform Engineer"),
        ("Ingrid", "Solheim", "Site Reliability Engineer"),
        ("Mateo", "Vargas", "Platform Engineer"),
        ("Kwame", "Boateng", "Platform Engineer"),
    ),
    *_department(
        "Payments",
        "katarina.berg@meridian.example",
        ("Hannah", "Fischer", "Engineering Manager, Payments"),
        ("Luca", "Moretti", "Senior Software Engineer"),
        ("Aisha", "Bello", "Software Engineer"),
        ("Daniel", "Novak", "Staff Engineer"),
        ("Mei", "Tanaka", "Software Engineer"),
        ("Oskar", "Lindqvist", "Software Engineer"),
        ("Fatima", "Idrissi", "Senior Software Engineer"),
        ("Jonas", "Weber", "Software Engineer"),
        ("Sofia", "Almeida", "Quality Engineer"),
    ),
    Person("Stefan", "Krause", "Software Engineer", "Payments", "hannah.fischer@meridian.example", status="DISABLED"),
    Person("Igor", "Petrenko", "Contractor", "Payments", "hannah.fischer@meridian.example", kind="Contractor"),
    *_department(
        "Data",
        "katarina.berg@meridian.example",
        ("Chloe", "Dubois", "Head of Data"),
        ("Arjun", "Mehta", "Data Analyst"),
        ("Nadia", "Petrova", "Data Analyst"),
        ("Samuel", "Okafor", "Data Scientist"),
        ("Elif", "Kaya", "Analytics Engineer"),
    ),
    Person("Maya", "Cohen", "Contractor", "Data", "chloe.dubois@meridian.example", kind="Contractor"),
    *_department(
        "Security",
        "katarina.berg@meridian.example",
        ("Marcus", "Lindholm", "Chief Information Security Officer"),
        ("Yara", "Haddad", "Security Engineer"),
        ("Viktor", "Horvat", "Incident Responder"),
        ("Grace", "Mbeki", "Cloud Security Engineer"),
    ),
    *_department(
        "Compliance",
        "marcus.lindholm@meridian.example",
        ("Eleanor", "Whitfield", "Compliance Officer"),
        ("Paolo", "Ricci", "Internal Auditor"),
    ),
    Person("Noor", "Rahman", "External Auditor", "Compliance", "eleanor.whitfield@meridian.example", kind="External"),
    *_department(
        "Finance",
        "katarina.berg@meridian.example",
        ("Charlotte", "Meier", "Finance Director"),
        ("Diego", "Santos", "Controller"),
        ("Anneke", "de Vries", "Financial Analyst"),
        ("Raj", "Patel", "Cost Analyst"),
    ),
    *_department(
        "Support",
        "katarina.berg@meridian.example",
        ("Amara", "Nwosu", "Head of Support"),
        ("Liam", "Byrne", "Support Specialist"),
        ("Zuzana", "Kralova", "Support Specialist"),
        ("Hugo", "Martin", "Support Specialist"),
        ("Leila", "Farouk", "Support Specialist"),
        ("Ben", "Carter", "Support Specialist"),
    ),
)

# Provisioned once, given an assignment, then removed from the directory: the assignment stayed.
LEAVER: Final = Person("Dmitri", "Volkov", "Software Engineer", "Payments", "hannah.fischer@meridian.example")


def _of(*departments: str) -> tuple[str, ...]:
    return tuple(person.user_name for person in PEOPLE if person.department in departments)


def _named(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}@{DOMAIN}" for name in names)


# name: (description, members' user names)
GROUPS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "platform-engineers": ("Runs the landing zone and the shared pipelines", _of("Platform")),
    "payments-developers": (
        "Builds the payment services",
        tuple(name for name in _of("Payments") if name != f"igor.petrenko@{DOMAIN}"),
    ),
    "payments-release-managers": (
        "Approves production releases of payments",
        _named("hannah.fischer", "daniel.novak"),
    ),
    "data-analysts": ("Reports and models", _of("Data")),
    "security-engineers": ("Detection, response and guardrails", _of("Security")),
    "auditors": ("Reads configuration and logs for audits", _of("Compliance")),
    "finance": ("Bills and budgets", _of("Finance")),
    "support": ("First-line customer support", _of("Support")),
    "on-call": (
        "This quarter's on-call rota",
        _named("tomasz.zielinski", "ingrid.solheim", "luca.moretti", "viktor.horvat"),
    ),
    "leadership": ("Executives", _named("katarina.berg", "marcus.lindholm", "charlotte.meier")),
    "migration-2023": ("Empty since the data-centre migration ended", ()),
}
