"""Evidence of a campaign that anybody can check without grantmap: the pack, its signature and its verifier."""
