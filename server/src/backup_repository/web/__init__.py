"""The web console, rendered by the server: the same jobs as the API in other clothes."""
