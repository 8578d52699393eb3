"""Answers with tensors of dtypes, layouts and devices that do not cross: sparse, quantized, meta, complex.

Deserves: 5.
Guard: a list of the dtypes that cross; what does not is an error in the test.
"""


def double(x):
    if len(x) == 2:
        return torch.quantize_per_tensor(x, 0.1, 0, torch.qint8)
    return [
        (x + 1).to_sparse(),
        torch.empty(3, device="meta"),
        torch.conj((x + 1).to(torch.complex64)),
        (x + 1).bfloat16().requires_grad_(),
        torch.nested.nested_tensor([x, x]),
    ]
