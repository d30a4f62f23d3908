"""When AWS puts a key into a request: data for ``policy.context`` (semantics U3).

Sources:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (``aws:RequestedRegion``
"some global services have a single endpoint"; ``aws:ResourceAccount`` "Availability"),
https://docs.aws.amazon.com/general/latest/gr/rande.html (endpoints of global services).
"""

from __future__ import annotations

#: Services with one endpoint a partition; requests to them are made in the partition's home region.
GLOBAL_SERVICES = frozenset(
    {
        "account",
        "artifact",
        "aws-marketplace",
        "aws-portal",
        "billing",
        "budgets",
        "ce",
        "chime",
        "cloudfront",
        "consolidatedbilling",
        "cur",
        "freetier",
        "globalaccelerator",
        "health",
        "iam",
        "importexport",
        "invoicing",
        "networkmanager",
        "organizations",
        "payments",
        "pricing",
        "route53",
        "route53domains",
        "shield",
        "support",
        "sustainability",
        "tax",
        "trustedadvisor",
        "waf",
    }
)

_HOME_REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}


def home_region(partition: str) -> str:
    """The region that serves a partition's global services: ``us-east-1`` for ``aws``."""
    return _HOME_REGIONS.get(partition, "us-east-1")


#: Actions whose requests carry no ``aws:ResourceAccount``, ``aws:ResourceOrgID`` or ``aws:ResourceOrgPaths``.
WITHOUT_RESOURCE_ACCOUNT = frozenset(
    {
        "auditmanager:updateassessmentframeworkshare",
        "detective:acceptinvitation",
        "ds:acceptshareddirectory",
        "ec2:acceptaddresstransfer",
        "ec2:accepttransitgatewaypeeringattachment",
        "ec2:accepttransitgatewayvpcattachment",
        "ec2:acceptvpcendpointconnections",
        "ec2:acceptvpcpeeringconnection",
        "ec2:copyimage",
        "ec2:copysnapshot",
        "ec2:createtransitgatewaypeeringattachment",
        "ec2:createvolume",
        "ec2:createvpcendpoint",
        "ec2:createvpcpeeringconnection",
        "ec2:deletetransitgatewaypeeringattachment",
        "ec2:deletevpcpeeringconnection",
        "ec2:rejecttransitgatewaypeeringattachment",
        "ec2:rejectvpcendpointconnections",
        "ec2:rejectvpcpeeringconnection",
        "es:acceptinboundconnection",
        "guardduty:acceptadministratorinvitation",
        "macie2:acceptinvitation",
        "opensearch:acceptinboundconnection",
        "route53:associatevpcwithhostedzone",
        "route53:createvpcassociationauthorization",
        "route53:deletevpcassociationauthorization",
        "route53:disassociatevpcfromhostedzone",
        "route53:listhostedzonesbyvpc",
        "securityhub:acceptadministratorinvitation",
    }
)

#: Actions of which AWS's reference lists the resource's tags and its guide says that no permission can hang on them:
#: "You cannot limit permissions to pass a role based on tags attached to that role".
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
WITHOUT_RESOURCE_TAGS = frozenset({"iam:passrole"})
