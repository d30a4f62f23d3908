// id: weak-credentials
// title: Users with old keys, or with a password and no MFA
// answers: IAM users whose oldest active key is older than so many days, and users who can log in to the console without an MFA device as far as is known.
// parameters: days: number = 90
// columns: account, user, old_key, key_age_days, login_without_mfa, password, mfa
// severity: high
// controls: ISO 27001:2022 A.5.17, ISO 27001:2022 A.8.5, SOC 2 CC6.1
MATCH (u:User {snapshot: $snapshot})
WHERE u.key_age_days > $days OR (u.password = 'yes' AND u.mfa <> 'yes')
RETURN u.account_id AS account, u.arn AS user, coalesce(u.key_age_days > $days, false) AS old_key, u.key_age_days AS key_age_days, u.password = 'yes' AND u.mfa <> 'yes' AS login_without_mfa, u.password AS password, u.mfa AS mfa
ORDER BY account, user, old_key, key_age_days, login_without_mfa, password, mfa
