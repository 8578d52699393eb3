"""Networks that read a sequence and answer once at its end, and a task that cannot be solved without memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dlbasics.attention import Transformer

CELLS: dict[str, type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
READERS = (*CELLS, "transformer")


class SequenceClassifier(nn.Module):
    """Symbols in, one answer after the last of them: (N, T) int64 -> logits (N, K).

    Args:
        n_symbols: V, how many symbols there are; it gives back one of them, so K = V.
        reader: ``"rnn"`` (tanh), ``"gru"``, ``"lstm"`` or ``"transformer"`` (one causal block with learnt positions).
        width: D, of the embedded symbols and of the state (of the tokens, for the transformer: a multiple of 4).
        length: the longest sequence; only the transformer needs to know.
        gate_bias: where the gate that keeps the old state starts (the LSTM's forget gate, the GRU's update gate):
            0 is half open, 4 nearly wide open; None leaves torch's own start, near 0.

    Raises:
        ValueError: an unknown reader, or a gate bias for one that has no gate.

    Source: Gers et al., "Learning to Forget", Neural Computation 2000; Jozefowicz et al., "An Empirical Exploration of
    Recurrent Network Architectures", ICML 2015: start the forget gate open.
    """

    def __init__(self, n_symbols: int, *, reader: str, width: int, length: int, gate_bias: float | None = None) -> None:
        super().__init__()
        if reader not in READERS:
            raise ValueError(f"unknown reader {reader!r}; choose from {', '.join(READERS)}")
        self.embed = nn.Embedding(n_symbols, width)
        self.read: nn.Module
        if reader == "transformer":
            self.read = Transformer(width, length=length, depth=1, heads=4, causal=True)
        else:
            self.read = CELLS[reader](width, width, batch_first=True)
        if gate_bias is not None:
            set_gate_bias(self.read, gate_bias)
        self.head = nn.Linear(width, n_symbols)

    def forward(self, symbols: Tensor) -> Tensor:
        """(N, T) -> logits (N, K)."""
        states = self.read(self.embed(symbols))
        states = states[0] if isinstance(states, tuple) else states  # torch's cells give (states, last state)
        return self.head(states[:, -1])


def set_gate_bias(cell: nn.Module, bias: float) -> None:
    """Set the bias of the gate that keeps the old state, in place, in the first layer of torch's LSTM or GRU.

    Raises:
        ValueError: another kind of module.
    """
    if not isinstance(cell, nn.LSTM | nn.GRU):
        raise ValueError(f"an LSTM or a GRU has the gate, got {type(cell).__name__}")
    # torch stacks the gates: input, forget, candidate, output; or reset, update, candidate. The second is the keeper.
    keeper = slice(cell.hidden_size, 2 * cell.hidden_size)
    with torch.no_grad():
        cell.get_parameter("bias_ih_l0")[keeper] = bias
        cell.get_parameter("bias_hh_l0")[keeper] = 0.0


def recall_first(n: int, *, lag: int, n_symbols: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sequences of random symbols, each to be answered with its first: what must be kept for ``lag`` steps.

    The later symbols come from the same alphabet, so that nothing but its place marks the one to keep.

    Args:
        n: sequences.
        lag: steps between the symbol and the answer, >= 1.
        n_symbols: V; guessing is right once in V.

    Returns:
        Symbols, int64, shape (n, lag + 1), and the first of each, shape (n,).

    Raises:
        ValueError: a lag below 1.

    Source: after Hochreiter & Schmidhuber, "Long Short-Term Memory", Neural Computation 1997, experiment 2.
    """
    if lag < 1:
        raise ValueError(f"lag must be at least 1, got {lag}")
    symbols = torch.randint(n_symbols, (n, lag + 1), generator=generator)
    return symbols, symbols[:, 0]
