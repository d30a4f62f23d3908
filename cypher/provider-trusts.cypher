// id: provider-trusts
// title: Roles that an OIDC provider lets people or workloads assume
// answers: Each role that trusts a web identity, and whether the trust is conditional; one that is not is open to everyone the provider knows.
// parameters: none
// columns: account, role, provider, provider_name, conditional
// severity: medium
// controls: ISO 27001:2022 A.5.16, SOC 2 CC6.1
MATCH (p:Provider)-[t:CAN_ASSUME]->(r:Role {snapshot: $snapshot})
WHERE p.type = 'oidc'
RETURN r.account_id AS account, r.arn AS role, p.key AS provider, p.name AS provider_name, t.conditional AS conditional
ORDER BY account, role, provider, provider_name, conditional
