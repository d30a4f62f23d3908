// id: public-resources
// title: Resources that anyone can reach, or may under conditions
// answers: Every collected resource on which an unsigned request is granted something, with the access levels.
// parameters: none
// columns: account, type, resource, levels, conditional, grant
// severity: critical
// controls: ISO 27001:2022 A.8.3, SOC 2 CC6.6
MATCH (a:Anonymous {snapshot: $snapshot})-[:HOLDS]->(g:Grant)-[:COVERS]->(c:ResourceClass)-[:CONTAINS|INSIDE]->(r:Resource)
RETURN DISTINCT r.account_id AS account, r.type AS type, r.arn AS resource, g.levels AS levels, g.conditional AS conditional, g.key AS grant
ORDER BY account, type, resource, conditional, grant
