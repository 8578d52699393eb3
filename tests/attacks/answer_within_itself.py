"""Answers a list and a dict that hold themselves.

Deserves: 5.
Guard: the depth and the number of parts of an answer are limited.
"""


def double(x):
    answer = [1.0]
    answer += [answer, answer, {"a": answer}]
    return answer


summary = double
