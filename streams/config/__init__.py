"""Settings and the catalogue file, checked whole at start."""
