"""Which trusts on a shared identity provider are open to everybody who has an account there (semantics L13)."""

from __future__ import annotations

from typing import Any

from model.inventory import Inventory

#: Providers that serve many tenants, by issuer, with the claims that tell one from another. A branch, an environment
#: or an actor alone tells nothing: anyone can have one of that name.
#: Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html,
#: https://docs.github.com/en/actions/reference/security/oidc and the other providers' own pages.
SHARED_PROVIDERS: dict[str, frozenset[str]] = {
    "token.actions.githubusercontent.com": frozenset(
        {"sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "enterprise", "enterprise_id"}
        | {"job_workflow_ref"}
    ),
    "gitlab.com": frozenset({"sub", "namespace_id", "namespace_path", "project_id", "project_path"}),
    "app.terraform.io": frozenset({"sub", "terraform_organization_id", "terraform_workspace_id"}),
    "oidc.circleci.com": frozenset({"sub", "oidc.circleci.com/project-id"}),
    "agent.buildkite.com": frozenset({"sub", "organization_slug", "organization_id"}),
    "oidc.vercel.com": frozenset({"sub", "owner", "owner_id"}),
    "accounts.google.com": frozenset({"sub", "aud"}),
    "cognito-identity.amazonaws.com": frozenset({"sub", "aud"}),
    "graph.facebook.com": frozenset({"id", "app_id"}),
    "www.amazon.com": frozenset({"user_id", "app_id"}),
}

#: Operators that compare for a match; their negations let everybody else in.
_POSITIVE = ("stringequals", "stringlike", "stringequalsignorecase")


def tenant_bound(inventory: Inventory, provider: str, residual: Any) -> bool | None:
    """Whether a trust on ``provider`` lets in one tenant only, read off the residual of assuming the role.

    ``None`` for providers that are not known to be shared: their tenants are their owner's own.
    """
    known = inventory.providers.get(provider)
    issuer = (known.url if known is not None else provider).removeprefix("https://").rstrip("/")
    claims = next((names for host, names in SHARED_PROVIDERS.items() if issuer.split("/")[0] == host), None)
    if claims is None or ":saml-provider/" in provider:
        return None
    return _binds(residual, claims)


def _binds(tree: Any, claims: frozenset[str]) -> bool:
    """Whether every way to satisfy the tree fixes one of the claims."""
    if not isinstance(tree, dict):
        return False
    if "all" in tree:
        return any(_binds(item, claims) for item in tree["all"])
    if "any" in tree:
        return bool(tree["any"]) and all(_binds(item, claims) for item in tree["any"])
    claim = str(tree.get("key", "")).rpartition(":")[2].lower()
    operator = str(tree.get("operator", "")).lower().rpartition(":")[2]
    return (
        claim in claims and operator in _POSITIVE and all(not value.startswith(("*", "?")) for value in tree["values"])
    )
