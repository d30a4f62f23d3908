"""The words of an answer that only people who know IAM know, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable

from policy.actions import catalogue
from policy.expression import DocumentLeaf, KeyLeaf, leaves
from policy.verdicts import Decision, Verdict

_BLOCK = ("S3 Block Public Access", "a switch of S3 that takes away what a policy gives to everyone")
_GRANT = ("KMS grant", "a permission to use one key that stands outside its policy")
#: By the layer of a reason. https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html
_LAYERS = {
    "boundary": ("permissions boundary", "an upper limit on what a user or role may do, whatever its policies give"),
    "session": ("session policy", "an upper limit for one session of a role or user, whatever its policies give"),
    "scp": (
        "SCP",
        "a service control policy, the organisation's limit on what its accounts may do",
    ),
    "rcp": ("RCP", "a resource control policy, the organisation's limit on who may reach what its accounts own"),
    "vpce": ("endpoint policy", "says what may pass the private endpoint that a request comes through"),
}
#: What an answer about ways through roles takes for granted.
ROLE = {
    "role": "an identity without a password, which those that it trusts take on for some hours",
    "trust policy": "the part of a role that says who may take it",
}
#: By the part of a document's id, as `policy.assemble` writes it.
_DOCUMENTS = {
    "trust": ("trust policy", ROLE["trust policy"]),
    "grants": _GRANT,
    "grant": _GRANT,
    "acl": ("access control list", "an older way of S3 to give access to a bucket or an object, beside its policy"),
    "public-access-block": _BLOCK,
}
#: Where AWS's own words are long.
_ACTIONS = {
    "sts:assumerole": "take a role: act as that role for some hours",
    "sts:assumerolewithsaml": "take a role after signing in at a company's sign-in provider",
    "sts:assumerolewithwebidentity": "take a role with a token from another sign-in provider",
    "sts:getsessiontoken": "ask for keys of one's own that end by themselves",
}
_RULES = {
    ("L7", "Allow"): _GRANT,
    ("L7", "Deny"): _BLOCK,
    ("L10", "Allow"): ("root user", "the owner of an account, who needs no policy inside it"),
}
#: What keys tell, for who does not know them. A key that ends in `/` or `:` stands for all that begin with it.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_KEYS = {
    "aws:currenttime": "the time of the request",
    "aws:multifactorauthage": "how many seconds ago the caller proved itself with a second factor (MFA)",
    "aws:multifactorauthpresent": "whether the caller signed in with a second factor (MFA)",
    "aws:principalaccount": "the account of the caller",
    "aws:principalarn": "who calls: the full name (ARN) of the user or role",
    "aws:principalisawsservice": "whether an AWS service itself calls",
    "aws:principalorgid": "the organisation that the caller's account belongs to",
    "aws:principalorgpaths": "the place of the caller's account in the organisation",
    "aws:principaltag/": "a tag (label) on the caller",
    "aws:requestedregion": "the region of AWS that the request goes to",
    "aws:requesttag/": "a tag (label) that the request sets",
    "aws:resourcetag/": "a tag (label) on the resource",
    "aws:securetransport": "whether the connection is encrypted",
    "aws:sourceaccount": "the account for which an AWS service calls",
    "aws:sourcearn": "the resource for which an AWS service calls",
    "aws:sourceip": "the internet address that the request comes from",
    "aws:sourcevpc": "the private network (VPC) that the request comes from",
    "aws:sourcevpce": "the endpoint of a private network through which the request comes",
    "aws:tagkeys": "the names of the tags (labels) that the request sets",
    "aws:viaawsservice": "whether an AWS service calls on the caller's behalf",
    "ec2:instancetype": "the size of the machine",
    "iam:passedtoservice": "the AWS service that the role is handed to",
    "iam:permissionsboundary": "the permissions boundary (upper limit) that the request sets",
    "kms:encryptioncontext:": "a label that was given when the data was encrypted",
    "kms:viaservice": "the AWS service through which the key is used",
    "s3:prefix": "the beginning of the names that are listed",
    "s3:x-amz-acl": "the access list that the request puts on the object",
    "saml:aud": "for whom the sign-in provider issued its statement",
    "sts:externalid": "a word that both sides agreed on, which whoever takes the role must give",
    "sts:rolesessionname": "the name that whoever takes the role gives to its session",
}
_PROVIDER_CLAIMS = {
    ":aud": "for whom the sign-in provider issued its token",
    ":sub": "who asks, as the sign-in provider tells it",
}


def glossary(action: str, decision: Decision, conditions: Iterable[str] = ()) -> dict[str, str]:
    """Words by what they mean, in the order of the answer: the action, the layers, the keys of its conditions.

    `conditions` are keys that the sentences name beside those of the residual.
    """
    found: dict[str, str] = {}
    purpose = _ACTIONS.get(action.lower()) or catalogue().purpose(action)
    if purpose:
        found[action] = purpose
    if decision.verdict is Verdict.EXPLICITLY_DENIED:
        found["explicitly denied"] = "something forbids it, which in AWS wins over everything that allows it"
    for reason in decision.because:
        part = (reason.policy or "").partition("#")[2].partition(":")[0]
        known = _LAYERS.get(reason.layer) or _RULES.get((reason.policy or "", reason.effect)) or _DOCUMENTS.get(part)
        if known is not None:
            found[known[0]] = known[1]
    keys = list(conditions)
    for leaf in leaves(decision.residual) if decision.residual is not None else ():
        if isinstance(leaf, KeyLeaf) and not leaf.session:
            keys.append(leaf.key)
        elif isinstance(leaf, DocumentLeaf) and (known := _DOCUMENTS.get(leaf.document.partition("#")[2])) is not None:
            found[known[0]] = known[1]
    return found | meanings(keys)


def meanings(keys: Iterable[str]) -> dict[str, str]:
    """What condition keys tell; those that nobody explained here are left out."""
    return {key: meaning for key in keys if (meaning := _meaning(key.lower()))}


def _meaning(key: str) -> str:
    """What a key tells; empty for one that nobody explained here."""
    family = max((start for start in _KEYS if start[-1] in "/:" and key.startswith(start)), default="")
    claims = (meaning for end, meaning in _PROVIDER_CLAIMS.items() if key.endswith(end))
    return _KEYS.get(key) or _KEYS.get(family) or next(claims, "")
