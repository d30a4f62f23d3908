"""IAM of the development account."""

from __future__ import annotations

from typing import Final

from collectors.demo.company import HOME_REGION
from collectors.demo.documents import allow, aws, deny, managed, own, policy, role, root, service, trust
from collectors.demo.iam_core import AUDIT_ROLE
from collectors.demo.iam_prod import DEVELOPER_GUARDRAIL, GITHUB, GITHUB_PROVIDER
from collectors.demo.specs import AccountIam, GroupSpec, PolicySpec, RoleSpec, UserSpec

_LOGGING: Final = managed("service-role/AWSLambdaBasicExecutionRole")

DEVELOPMENT: Final = AccountIam(
    "meridian-payments-dev",
    oidc=(f"https://{GITHUB}",),
    service_linked=("ecs",),
    policies=(
        DEVELOPER_GUARDRAIL,
        PolicySpec(
            "TeamResources",
            policy(
                allow(
                    ["dynamodb:*", "sqs:*", "secretsmanager:GetSecretValue"],
                    "*",
                    when={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
                    sid="OwnTeam",
                ),
                allow(
                    "s3:*",
                    [
                        "arn:aws:s3:::meridian-${aws:PrincipalTag/team}-dev-*",
                        "arn:aws:s3:::meridian-${aws:PrincipalTag/team}-dev-*/*",
                    ],
                ),
            ),
            "Whatever carries the team's tag",
        ),
        PolicySpec(
            "DeveloperBoundary",
            policy(
                allow(["dynamodb:*", "lambda:*", "logs:*", "s3:*", "sns:*", "sqs:*", "sts:AssumeRole"]),
                deny("iam:*", sid="NoIdentities"),
            ),
            "The most that a role of a development team may do",
        ),
    ),
    groups=(GroupSpec("contractors", managed=(managed("AmazonS3ReadOnlyAccess"),)),),
    users=(
        UserSpec(
            "igor.petrenko",
            groups=("contractors",),
            managed=(own("TeamResources"),),
            tags={"email": "igor.petrenko@meridian.example", "team": "payments"},
            password=True,
            password_used=3,
            key=True,
            key_created=188,
            key_used=2,
            created=188,
        ),
        UserSpec(
            "load-test",
            inline={
                "run": policy(
                    allow("lambda:InvokeFunction", "arn:aws:lambda:*:@dev@:function:payments-*"),
                    allow("iam:PassRole", "*", sid="PassAnything"),
                    allow(["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"]),
                )
            },
            tags={"team": "payments", "workload": "load-test"},
            key=True,
            key_created=402,
            created=402,
        ),
    ),
    roles=(
        AUDIT_ROLE,
        RoleSpec(
            "payments-dev-deployer",
            policy(trust(aws(root("dev")), sid="Developers"), trust(service("codebuild"), sid="Builds")),
            inline={
                "deploy": policy(
                    allow(["cloudformation:*", "lambda:*", "s3:PutObject"], sid="Development"),
                    allow("sts:AssumeRole", role("security", "shared-tooling"), sid="Release"),
                    allow("sts:AssumeRole", role("sandbox", "*"), sid="Sandbox"),
                )
            },
            tags={"team": "payments", "purpose": "pipeline"},
            description="Builds and deploys; hands releases to the shared pipeline",
            used=0,
        ),
        RoleSpec(
            "github-build",
            policy(
                trust(
                    GITHUB_PROVIDER,
                    action="sts:AssumeRoleWithWebIdentity",
                    when={"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}},
                )
            ),
            inline={
                "build": policy(
                    allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::meridian-payments-dev-artifacts/*"),
                    allow("sts:AssumeRole", role("dev", "payments-dev-deployer")),
                )
            },
            description="Older than the rule that a subject must be named",
            tags={"team": "payments"},
            created=980,
            used=0,
        ),
        RoleSpec(
            "payments-dev-api",
            policy(trust(service("lambda"))),
            managed=(_LOGGING, own("TeamResources")),
            boundary=own("DeveloperBoundary"),
            tags={"team": "payments"},
            used=0,
        ),
        RoleSpec(
            "payments-dev-release-bot",
            policy(trust(service("lambda"))),
            managed=(_LOGGING,),
            inline={"release": policy(allow("sts:AssumeRole", role("dev", "payments-dev-deployer")))},
            description="Carried by a function whose code every payments developer may replace",
            tags={"team": "payments"},
            used=2,
        ),
        RoleSpec(
            "dev-runner",
            policy(trust(service("ec2"))),
            managed=(managed("AmazonSSMManagedInstanceCore"), managed("AmazonEC2ContainerRegistryReadOnly")),
            boundary=own("DeveloperBoundary"),
            instance_profile=True,
            tags={"team": "platform"},
            used=0,
        ),
        RoleSpec(
            "anyone-in-organisation",
            policy(trust({"AWS": "*"}, when={"StringEquals": {"aws:PrincipalOrgID": "@org@"}})),
            managed=(managed("AmazonS3ReadOnlyAccess"),),
            description="Sample data for every account of the company",
            used=14,
        ),
        RoleSpec(
            "policy-editor",
            policy(trust(aws(root("dev")), when={"StringEquals": {"aws:PrincipalTag/team": "platform"}})),
            inline={
                "edit": policy(
                    allow(["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"], own("TeamResources")),
                    allow(["iam:DeleteRolePermissionsBoundary"], "arn:aws:iam::@dev@:role/payments-*"),
                )
            },
            used=200,
        ),
        RoleSpec(
            "data-sampler",
            policy(trust(service("lambda")), trust(aws(role("prod", "reporting-export")))),
            inline={
                "sample": policy(
                    allow("s3:GetObject", "arn:aws:s3:::meridian-analytics-prod/curated/*"),
                    allow("kms:Decrypt", f"arn:aws:kms:{HOME_REGION}:@prod@:key/*"),
                )
            },
            tags={"team": "data"},
            used=6,
        ),
    ),
)
