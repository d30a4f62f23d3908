// id: open-roles
// title: Roles that any AWS account may assume
// answers: Roles whose trust policy lets in everybody, inside the organisation or not, and whether a condition (an ExternalId, a network) is asked for.
// parameters: none
// columns: account, role, open_trust, last_used
// severity: critical
// controls: ISO 27001:2022 A.5.15, SOC 2 CC6.1
MATCH (r:Role {snapshot: $snapshot})
WHERE r.open_trust IN ['yes', 'conditional']
RETURN r.account_id AS account, r.arn AS role, r.open_trust AS open_trust, r.last_used AS last_used
ORDER BY account, role, open_trust, last_used
