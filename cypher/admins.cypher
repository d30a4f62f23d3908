// id: admins
// title: Who is admin in each account
// answers: Every principal whose effective permissions cover the whole account, and whether only under conditions.
// parameters: none
// columns: account, account_name, kind, principal, conditional
// severity: high
// controls: ISO 27001:2022 A.8.2, SOC 2 CC6.3
MATCH (p:Person|User|Role|RootUser|Provider|Service|Outsider|Anonymous)-[a:ADMIN_OF]->(acc:Account {snapshot: $snapshot})
RETURN acc.account_id AS account, acc.name AS account_name, p.kind AS kind, p.key AS principal, a.conditional AS conditional
ORDER BY account, account_name, kind, principal, conditional
