"""Node and PostgreSQL are ended without warning while they register and import; then it is counted what was lost."""
