// id: direct-assignments
// title: Permission sets assigned to a person directly, and orphaned assignments
// answers: Assignments that no group explains, whether a group gives the person the same set in the same account as well, and assignments of which one end is gone.
// parameters: none
// columns: account, permission_set, kind, principal, orphan, also_by_group
// severity: low
// controls: ISO 27001:2022 A.5.18, SOC 2 CC6.2
MATCH (p:Person|DirectoryGroup)-[a:ASSIGNED]->(s:PermissionSet {snapshot: $snapshot})
WHERE p.kind = 'Person' OR a.orphan = true
OPTIONAL MATCH (p)-[:MEMBER_OF]->(g:DirectoryGroup)-[b:ASSIGNED]->(s)
WHERE b.account_id = a.account_id
RETURN a.account_id AS account, s.name AS permission_set, p.kind AS kind, p.key AS principal, a.orphan AS orphan, count(b) > 0 AS also_by_group
ORDER BY account, permission_set, kind, principal, orphan, also_by_group
