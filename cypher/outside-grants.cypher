// id: outside-grants
// title: Resources shared outside the organisation
// answers: Every collected resource on which a foreign account, or an ARN in one, is granted something, with the access levels; what anyone has too is in public-resources.
// parameters: none
// columns: account, type, resource, outsider, levels, conditional, grant
// severity: high
// controls: ISO 27001:2022 A.5.14, SOC 2 CC6.6
MATCH (o:Outsider {snapshot: $snapshot})-[:HOLDS]->(g:Grant)-[:COVERS]->(c:ResourceClass)-[:CONTAINS|INSIDE]->(r:Resource)
WHERE NOT EXISTS { MATCH (:Account {account_id: o.account_id, snapshot: $snapshot}) }
  AND NOT EXISTS { MATCH (:Anonymous)-[:HOLDS]->(g) } AND NOT EXISTS {
  MATCH (:Anonymous)-[:HOLDS]->(p:Grant)-[:COVERS]->(c)
  WHERE p.conditional = false AND ALL(action IN g.actions WHERE action IN p.actions)
} AND NOT EXISTS {
  MATCH (:Anonymous)-[:HOLDS]->(p:Grant)-[:COVERS]->(:ResourceClass)-[:CONTAINS]->(r)
  WHERE c.size > 0 AND p.conditional = false AND ALL(action IN g.actions WHERE action IN p.actions)
}
RETURN DISTINCT r.account_id AS account, r.type AS type, r.arn AS resource, o.key AS outsider, g.levels AS levels, g.conditional AS conditional, g.key AS grant
ORDER BY account, type, resource, outsider, conditional, grant
