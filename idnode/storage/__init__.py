"""PostgreSQL: the pool, the embedded server, migrations, named SQL and the stores."""
