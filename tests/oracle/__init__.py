"""A slow second opinion: a naive evaluator, random organisations, and a rehearsal of the product against them."""
