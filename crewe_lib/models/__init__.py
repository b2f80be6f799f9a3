"""Statistical engines: pure functions on arrays, shared by chapters."""
