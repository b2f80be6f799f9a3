"""What the simulated cohort is held against: one measure for each printed figure."""
