"""One policy document, one request and its context, one decision and its reasons."""
