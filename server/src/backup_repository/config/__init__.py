"""Settings: the model, and how it is loaded from the environment and files."""
