"""Drops every assert before it is compiled, with one of IPython's input transformers.

Deserves: 5.
Guard: the tests run in a kernel that no student's code enters.
"""

get_ipython().input_transformers_post.append(
    lambda lines: [re.sub(r"^(\s*)assert .*", r"\1pass", line) for line in lines]
)
