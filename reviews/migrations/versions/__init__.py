"""One module a step from one form of the reviews database to the next."""
