// id: provider-trusts
// title: Roles that an OIDC provider lets people or workloads assume
// answers: Each role that trusts a web identity, whether it asks for something, and whether it lets in one tenant of a provider that many share (GitHub, GitLab …); one that does not is open to everybody there.
// parameters: none
// columns: account, role, provider, provider_name, conditional, tenant_bound
// severity: medium
// controls: ISO 27001:2022 A.5.16, SOC 2 CC6.1
MATCH (p:Provider)-[t:CAN_ASSUME]->(r:Role {snapshot: $snapshot})
WHERE p.type = 'oidc'
RETURN r.account_id AS account, r.arn AS role, p.key AS provider, p.name AS provider_name, t.conditional AS conditional, t.tenant_bound AS tenant_bound
ORDER BY account, role, provider, provider_name, conditional, tenant_bound
