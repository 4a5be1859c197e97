"""A simulated top node: a real HTTP server that speaks our JSON protocol and is awkward on purpose."""
