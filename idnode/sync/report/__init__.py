"""What is reported: the data of each table, from change rows and statistics."""
