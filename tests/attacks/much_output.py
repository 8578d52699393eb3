"""Prints 300 MB.

Deserves: 5.
Guard: outputs are capped in the grader's process while they come in.
"""

for _ in range(300):
    print("x" * (1 << 20))
