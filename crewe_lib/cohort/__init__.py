"""The model of the simulated cohort, and the choosing of its published draw."""
