"""Timings and stored simulation studies; nothing here is imported by the library or run by the book."""
