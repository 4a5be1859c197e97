"""What rows may stand in: NDJSON, CSV, XLSX; packed with gzip or not, in UTF-8 or GB 18030."""
