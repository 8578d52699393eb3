"""Builds the book: fetches its web assets, executes its pages, renders and serves them. Students never import it."""
