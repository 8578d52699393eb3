"""Sends 20,000 displays, updates of displays and requests to clear them, and one picture of 20 MB.

Deserves: 5.
Guard: outputs are capped by number and by size while they come in.
"""

from IPython.display import clear_output, display, update_display

display("first", display_id="attack")
for number in range(5000):
    display(number)
    update_display("y" * 200, display_id="attack")
    clear_output(wait=True)
    display({"application/x-attack": {"a": number}}, raw=True)
display({"image/png": "A" * (20 << 20)}, raw=True)
