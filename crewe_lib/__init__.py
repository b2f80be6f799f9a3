"""The library behind the Crewe research report."""

__version__ = "0.1.0"
