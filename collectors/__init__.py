"""How to ask AWS, politely and read-only, and how to record what could not be asked."""
