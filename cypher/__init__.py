"""The query library: one ``.cypher`` file a query, and the loader that checks them against the schema."""
