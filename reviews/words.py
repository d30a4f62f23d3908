"""Names, lists, dates and conditions in the words of the screens: no ARN, no action, no key of a condition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from model.arn import account_of, is_account_id
from model.entities import DirectoryUser
from model.inventory import Inventory
from policy.actions import catalogue

#: Identity providers of many tenants, as people know them, by the host of the issuer.
_ISSUERS = {
    "token.actions.githubusercontent.com": "GitHub Actions",
    "gitlab.com": "GitLab",
    "app.terraform.io": "Terraform Cloud",
    "oidc.circleci.com": "CircleCI",
    "agent.buildkite.com": "Buildkite",
    "oidc.vercel.com": "Vercel",
    "accounts.google.com": "Google",
    "cognito-identity.amazonaws.com": "Amazon Cognito",
    "graph.facebook.com": "Facebook",
    "www.amazon.com": "Amazon login",
}


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 bucket``, ``2,000 buckets``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str], joint: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {joint} {parts[-1]}"


def some(parts: Sequence[str], most: int, noun: str = "more") -> str:
    """At most ``most`` of the parts, then how many there are besides."""
    if len(parts) <= most:
        return listed(parts)
    return f"{', '.join(parts[:most])} and {len(parts) - most:,} {noun}"


def started(text: str) -> str:
    """A phrase as the start of a sentence."""
    return text[:1].upper() + text[1:]


def day(text: str) -> str:
    """``2 Dec 2026`` of an RFC 3339 time or a date; the text itself where it is neither."""
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return text
    return f"{found.day} {found:%b %Y}"


def days_between(earlier: str, later: str) -> int | None:
    """Whole days from one date to another; ``None`` where one of them is none."""
    try:
        return (date.fromisoformat(later[:10]) - date.fromisoformat(earlier[:10])).days
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def service(name: str) -> str:
    """A service of AWS as people know it: ``lambda.amazonaws.com`` and ``lambda`` are ``AWS Lambda``."""
    return catalogue().service_name(name.partition(".")[0] if ".amazonaws.com" in name else name)


class Names:
    """What people call the things of one inventory."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def account(self, id: str) -> str:
        """An account by its name, one outside the organisation by its number."""
        known = self._inventory.accounts.get(id)
        if known is None:
            return f"account {id}" if id else "the organisation"
        return known.name or known.alias or f"account {id}"

    def role(self, arn: str) -> str:
        """A role by its name, a reserved one by its permission set's."""
        known = self._inventory.roles.get(arn)
        if known is None:
            return arn.rpartition("/")[2]
        return known.permission_set_name or known.name

    def role_in(self, arn: str) -> str:
        """A role with its account: ``payments-api in payments-prod``."""
        return f"{self.role(arn)} in {self.account(account_of(arn))}"

    def person(self, key: str) -> str:
        """A person by display name, else by address."""
        known = self._inventory.people.get(key)
        return display(known.user) if known is not None else "a person who is no longer in the directory"

    def group(self, id: str) -> str:
        """A directory group by its name."""
        known = self._inventory.directory_groups.get(id)
        return known.name if known is not None else "a group that no longer exists"

    def policy(self, id: str) -> str:
        """A policy by its name: managed, inline or a resource's own."""
        owner, _, inline = id.partition("#inline:")
        if inline:
            return inline
        if id.endswith("#trust"):
            return f"who may become {self.role(id.removesuffix('#trust'))}"
        if id.endswith("#policy"):
            return f"the own rules of {self.resource(id.removesuffix('#policy'))}"
        known = self._inventory.policies.get(owner)
        if known is not None:
            return known.name
        organization = self._inventory.organization
        for guardrail in organization.policies if organization else ():
            if guardrail.arn == id:
                return guardrail.name
        return id.rpartition("/")[2]

    def resource(self, arn: str) -> str:
        """A resource by its noun and name: ``bucket logs``, ``key card-data``."""
        found = self._inventory.container(arn)
        if found is None:
            return short(arn)
        return f"{noun(found.type)} {self.resource_name(found.arn)}"

    def resource_name(self, arn: str) -> str:
        """The name alone; keys by their alias, roles of permission sets by the set."""
        found = self._inventory.resources.get(arn)
        if found is None:
            return short(arn)
        if found.type == "iam:role":
            return self.role(arn)
        if found.type == "kms:key" and found.aliases:
            return found.aliases[0].removeprefix("alias/")
        if found.type == "ec2:instance" and (found.tags or {}).get("Name"):
            return str((found.tags or {})["Name"])
        if found.type == "secretsmanager:secret":
            return re.sub(r"-[A-Za-z0-9]{6}$", "", found.name or short(arn))
        return (found.name or short(arn)).removeprefix("alias/")

    def provider(self, arn: str) -> str:
        """An identity provider by the company that runs it, or its issuer."""
        known = self._inventory.providers.get(arn)
        issuer = (known.url if known is not None else arn).removeprefix("https://")
        if ":saml-provider/" in arn:
            return f"sign-in provider {short(arn)}"
        issuer = issuer.partition(":oidc-provider/")[2] or issuer
        return _ISSUERS.get(issuer.partition("/")[0], f"sign-in provider {issuer}")

    def principal(self, key: str) -> str:
        """Who a principal of the answers is."""
        if key == "anonymous":
            return "anyone on the internet"
        if key == "unknown":
            return "somebody we could not read"
        if key.startswith("person:"):
            return self.person(key)
        if key.startswith("group:"):
            return f"group {key.removeprefix('group:')}"
        if key.startswith("account:"):
            return self._whole_account(key.removeprefix("account:"))
        if not key.startswith("arn:"):
            outside = key.startswith("canonical:") or not key.endswith(".amazonaws.com")
            return "a deleted user or role" if outside and "." not in key else service(key)
        return self._by_arn(key)

    def _by_arn(self, arn: str) -> str:
        account = account_of(arn)
        if "-provider/" in arn:
            return self.provider(arn)
        if account not in self._inventory.accounts:
            return f"{short(arn)} of outside company {account}"
        if arn in self._inventory.users:
            return f"user {short(arn)}"
        if arn in self._inventory.groups:
            return f"group {short(arn)}"
        if arn in self._inventory.roles:
            return f"role {self.role(arn)}"
        return f"{short(arn)} (not found in {self.account(account)})"

    def _whole_account(self, id: str) -> str:
        if id in self._inventory.accounts:
            return f"whoever in account {self.account(id)} is given the right"
        return f"outside company {id}"


def display(user: DirectoryUser) -> str:
    """The name that a directory user goes by."""
    return user.display_name or user.address


def short(arn: str) -> str:
    """The last part of an ARN's name."""
    return re.split(r"[/:]", arn.removesuffix("/*").removesuffix(":*"))[-1] or arn


#: (one, many) by resource type.
NOUNS = {
    "s3:bucket": ("bucket", "buckets"),
    "dynamodb:table": ("table", "tables"),
    "lambda:function": ("function", "functions"),
    "sqs:queue": ("queue", "queues"),
    "sns:topic": ("topic", "topics"),
    "kms:key": ("encryption key", "encryption keys"),
    "secretsmanager:secret": ("secret", "secrets"),
    "ec2:instance": ("machine", "machines"),
    "iam:role": ("role", "roles"),
    "iam:user": ("user", "users"),
    "iam:group": ("user group", "user groups"),
    "iam:policy": ("access policy", "access policies"),
    "": ("account-wide setting", "account-wide settings"),
}


def noun(type_name: str, count: int = 1) -> str:
    """What a resource of a type is called; unknown types by their own word."""
    one, many = NOUNS.get(type_name) or _made(type_name)
    return one if count == 1 else many


def _made(type_name: str) -> tuple[str, str]:
    head, _, kind = type_name.partition(":")
    word = f"{service(head)} {kind.replace('-', ' ')}".strip()
    return word, f"{word}s"


# -- conditions

_FIXED = {
    "aws:multifactorauthpresent": "when signed in with a second factor",
    "aws:multifactorauthage": "when signed in with a second factor",
    "sts:externalid": "with the shared secret code",
    "aws:principalorgid": "from within this organisation",
    "aws:principalorgpaths": "from one part of this organisation",
    "aws:resourceorgid": "inside this organisation",
    "aws:sourcevpce": "through one private network",
    "aws:sourcevpc": "through one private network",
    "aws:vpcsourceip": "through one private network",
    "aws:viaawsservice": "through an AWS service",
    "aws:calledvia": "through an AWS service",
    "kms:viaservice": "through one AWS service",
    "aws:securetransport": "over an encrypted connection",
    "iam:passedtoservice": "when it is handed to one AWS service",
    "iam:permissionsboundary": "within a personal upper limit",
    "iam:awsservicename": "for one AWS service",
    "s3:prefix": "for part of the contents",
    "dynamodb:attributes": "for some of the fields",
    "dynamodb:leadingkeys": "for some of the records",
    "saml:aud": "when signed in through the company's portal",
    "sts:rolesessionname": "under a given session name",
    "ec2:instancetype": "for some kinds of machine",
    "secretsmanager:versionstage": "for the current version",
    "s3:x-amz-acl": "when the owner stays in control",
}


def condition(tree: dict[str, Any] | None, names: Names) -> str:
    """What must hold, as it follows ``only``; empty for no condition."""
    if tree is None:
        return ""
    phrases = list(dict.fromkeys(_phrases(tree, names, holds=True)))
    if len(phrases) > 3:
        phrases = [*phrases[:2], f"under {len(phrases) - 2} further conditions"]
    return listed(phrases, "or" if "any" in tree else "and")


def _phrases(tree: dict[str, Any], names: Names, *, holds: bool) -> Iterable[str]:
    if "all" in tree or "any" in tree:
        for part in tree.get("all") or tree["any"]:
            yield from _phrases(part, names, holds=holds)
    elif "not" in tree:
        yield from _phrases(tree["not"], names, holds=not holds)
    elif "document" in tree:
        yield document(tree["document"], names)
    elif "matches" in tree:
        yield "for the resources that are meant"
    else:
        yield leaf(tree, names, holds=holds)


def document(id: str, names: Names) -> str:
    """What hangs on a document that nobody read."""
    if id.startswith("account:"):
        account = id.removeprefix("account:")
        return f"if the other company ({account}) allows it on its side"
    what = id.partition("#")[0]
    if "publicaccessblock" in id.lower().replace("-", ""):
        return "if its public access settings, which could not be read, let it through"
    if is_account_id(what.rpartition(":")[2]):
        return f"if the limits of {names.account(what.rpartition(':')[2])}, which could not be read, let it through"
    if id.endswith(("#policy", "#grants", "#trust")):
        return f"if the own rules of {names.resource(what)}, which could not be read, let it through"
    return f"if policy {names.policy(id)}, which could not be read, allows it"


def leaf(tree: dict[str, Any], names: Names, *, holds: bool = True) -> str:
    """One condition on one key."""
    key = str(tree["key"])
    lower, values = key.lower(), [str(value) for value in tree["values"]]
    negated = ("not" in str(tree["operator"]).lower()) == holds
    if str(tree["operator"]).lower().startswith("bool") and [value.lower() for value in values] == ["false"]:
        negated = not negated
    said = _named(lower, values, names)
    if not said:
        head = lower.partition(":")[0]
        return (
            f"under a further condition of {service(head)}" if ":" in lower and head != "aws" else "under a condition"
        )
    return f"if not {said}" if negated else said


def _named(key: str, values: list[str], names: Names) -> str:
    if key in _FIXED:
        return _FIXED[key]
    if key == "aws:sourceip":
        return f"from {some(values, 2)}"
    if key in ("aws:requestedregion", "ec2:region"):
        return f"in {listed(values, 'or')}"
    if key in ("aws:sourceaccount", "aws:principalaccount", "aws:sourceowner"):
        return f"on behalf of {listed([names.account(value) for value in values], 'or')}"
    if key in ("aws:sourcearn", "aws:principalarn"):
        return f"when it comes from {listed([short(value) for value in values[:2]], 'or')}"
    if key.startswith("aws:principaltag/"):
        return _labelled("with", key, values)
    if "resourcetag/" in key or "existingobjecttag/" in key:
        return _labelled("where the resource has", key, values)
    if "requesttag/" in key or key == "aws:tagkeys":
        return "when setting certain labels"
    if "encryptioncontext" in key:
        return "for data marked for it"
    if key.endswith(":sub"):
        return _subject(values)
    if key.endswith((":aud", ":iss")):
        return "when meant for this account"
    return ""


def _labelled(verb: str, key: str, values: list[str]) -> str:
    label = key.partition("tag/")[2]
    if any("$" in value for value in values):
        return f"{verb} the same label {label}"
    return f"{verb} the label {label} {listed(values, 'or')}"


def _subject(values: list[str]) -> str:
    """Which repository and branch, of the subject of a pipeline's token."""
    found = [
        re.fullmatch(r"repo:([^:]+):(?:ref:refs/heads/|environment:|ref:refs/tags/)?(.*)", value) for value in values
    ]
    said = []
    for match, value in zip(found, values, strict=True):
        if match is None:
            said.append(f"as {value}")
        elif match.group(2) in ("*", ""):
            said.append(f"from any branch of repository {match.group(1)}")
        else:
            said.append(f"from {match.group(2)} of repository {match.group(1)}")
    return listed(said[:2], "or")
