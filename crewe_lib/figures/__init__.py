"""Drawing: Axes from tidy tables. No model, file or theme inside a draw function."""
