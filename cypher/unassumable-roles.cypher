// id: unassumable-roles
// title: Roles that nobody can assume
// answers: Roles whose trust policy lets in nobody who exists, or whom something else keeps out; candidates for removal.
// parameters: none
// columns: account, role, last_used
// severity: low
// controls: ISO 27001:2022 A.5.18, SOC 2 CC6.2
MATCH (r:Role {snapshot: $snapshot})
WHERE NOT EXISTS { MATCH (r)<-[:CAN_ASSUME]-() }
RETURN r.account_id AS account, r.arn AS role, r.last_used AS last_used
ORDER BY account, role, last_used
