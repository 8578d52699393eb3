"""Answers lists and dicts that are nested 100,000 deep.

Deserves: 5.
Guard: the depth of an answer is limited, on both sides.
"""


def double(x):
    answer = []
    for _ in range(100_000):
        answer = [answer] if len(x) == 2 else {"a": answer}
    return answer
