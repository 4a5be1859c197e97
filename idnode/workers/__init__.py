"""Several worker processes on one port, and the supervisor that starts, replaces, reloads and ends them."""
