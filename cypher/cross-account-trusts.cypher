// id: cross-account-trusts
// title: Who can assume a role of another account of the organisation
// answers: The map of trust between accounts: the role, the user or role of another account that can assume it, and whether only under conditions.
// parameters: none
// columns: from_account, principal, to_account, role, action, conditional
// severity: info
// controls: ISO 27001:2022 A.5.15, SOC 2 CC6.1
MATCH (p:User|Role|RootUser)-[t:CAN_ASSUME]->(r:Role {snapshot: $snapshot})
WHERE p.account_id <> r.account_id
RETURN p.account_id AS from_account, p.key AS principal, r.account_id AS to_account, r.arn AS role, t.action AS action, t.conditional AS conditional
ORDER BY from_account, principal, to_account, role, action, conditional
