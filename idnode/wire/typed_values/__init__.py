"""Values with a structure of their own, one file a type: bytes to value and back, JSON to value and back."""
