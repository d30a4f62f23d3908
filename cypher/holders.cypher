// id: holders
// title: Who holds a level of access to a resource directly
// answers: Every principal with a grant of the level on the resource, without assuming a role first; for access through roles ask `who-can`.
// parameters: arn: text
// parameters: level: text = Read:data
// columns: kind, principal, name, actions, conditional, grant
// severity: info
// controls: ISO 27001:2022 A.5.15, SOC 2 CC6.3
MATCH (r:Resource {arn: $arn, snapshot: $snapshot})<-[:CONTAINS|INSIDE]-(c:ResourceClass)<-[:COVERS]-(g:Grant)<-[:HOLDS]-(p:Person|User|Role|RootUser|Provider|Service|Outsider|Anonymous)
WHERE $level IN g.levels
RETURN DISTINCT p.kind AS kind, p.key AS principal, p.name AS name, g.actions AS actions, g.conditional AS conditional, g.key AS grant
ORDER BY kind, principal, name, conditional, grant
