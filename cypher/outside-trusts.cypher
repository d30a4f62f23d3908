// id: outside-trusts
// title: Roles that accounts outside the organisation can assume
// answers: Each foreign account or ARN that a trust policy lets in, and whether the role asks for more than its policies (an ExternalId, a network); roles that any account may assume are in open-roles.
// parameters: none
// columns: account, role, outsider, outside_account, action, conditional
// severity: high
// controls: ISO 27001:2022 A.5.19, SOC 2 CC6.6
MATCH (o:Outsider)-[t:CAN_ASSUME]->(r:Role {snapshot: $snapshot})
WHERE COALESCE(r.open_trust, 'unknown') <> 'yes'
  AND NOT EXISTS { MATCH (:Account {account_id: o.account_id, snapshot: $snapshot}) }
RETURN r.account_id AS account, r.arn AS role, o.key AS outsider, o.account_id AS outside_account, t.action AS action, t.conditional AS conditional
ORDER BY account, role, outsider, outside_account, action, conditional
