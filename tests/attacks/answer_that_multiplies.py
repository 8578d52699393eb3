"""Answers a list that is small in memory and a billion parts when written out.

Deserves: 5.
Guard: the number of parts of an answer is limited while they are counted.
"""


def double(x):
    answer = [1.0]
    for _ in range(30):
        answer = [answer, answer]
    return answer
