"""Grades a class of nbgrader notebooks: behind walls, in parallel, and so that nothing is lost."""
