"""For instructors: authored text becomes notebooks, mistakes become fingerprints, and the grading is graded."""
