// id: people-everywhere
// title: People with access in most accounts
// answers: People who can assume a role in at least so many percent of the active accounts; 100 lists those with access in every one.
// parameters: percent: number = 80
// columns: person, name, active, accounts, of_accounts
// severity: medium
// controls: ISO 27001:2022 A.5.18, SOC 2 CC6.3
MATCH (every:Account {snapshot: $snapshot})
WHERE every.status = 'ACTIVE'
WITH count(every) AS total
MATCH (p:Person {snapshot: $snapshot})-[:MEMBER_OF*0..1]->(who:Person|DirectoryGroup)-[:CAN_ASSUME]->(r:Role)-[:IN_ACCOUNT]->(acc:Account)
WHERE acc.status = 'ACTIVE' AND p.active <> 'no'
WITH p, total, count(DISTINCT acc.key) AS reached
WHERE reached * 100 >= total * $percent
RETURN p.key AS person, p.name AS name, p.active AS active, reached AS accounts, total AS of_accounts
ORDER BY accounts DESC, person, name, active, of_accounts
