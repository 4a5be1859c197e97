"""What a template may say and what a record must satisfy: pure, every violation at once."""
