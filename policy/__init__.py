"""One policy document, one request and its context, one decision and its reasons.

Start at `policy.decide.decide`; documents come from `policy.document.parse_document`, the catalogue of actions is
`policy.actions.catalogue`.
"""
