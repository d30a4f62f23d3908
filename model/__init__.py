"""What exists: ARNs, the entities of an AWS organisation, the snapshot on disk, the inventory read from it."""
