"""Registration: rules, plans and the one write path for records, and the node's directory."""
