"""Access reviews: campaigns, their items and reviewers, the ledger of decisions, the evidence. Knows no screen."""
