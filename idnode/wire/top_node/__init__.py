"""What goes over the wire to a top node: tables, messages, digests, signatures. A schema of our own, no standard."""
