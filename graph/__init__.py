"""Classes, closure, tables, stores, and the questions that people ask of them."""
