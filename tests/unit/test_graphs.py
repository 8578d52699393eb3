"""Graph networks: what one layer computes by hand, order that does not matter, and labels that spread."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dlbasics.graphs import GraphNetwork, closeness, normalised_adjacency, spread_labels
from dlbasics.models import count_parameters, seeded

KARATE = nx.karate_club_graph()


def adjacency_of(graph: nx.Graph) -> Tensor:
    return torch.tensor(nx.to_numpy_array(graph, weight=None), dtype=torch.float32)


def test_the_normalised_adjacency_of_a_path_is_what_one_writes_down():
    path = normalised_adjacency(adjacency_of(nx.path_graph(3)))
    diagonal, edge = [1 / 2, 1 / 3, 1 / 2], 6**-0.5
    expected = torch.tensor([[diagonal[0], edge, 0], [edge, diagonal[1], edge], [0, edge, diagonal[2]]])
    torch.testing.assert_close(path, expected)


def test_the_normalised_adjacency_is_that_of_networkx_with_loops():
    looped = KARATE.copy()
    looped.add_edges_from((node, node) for node in KARATE)
    laplacian = torch.tensor(nx.normalized_laplacian_matrix(looped, weight=None).toarray(), dtype=torch.float32)
    torch.testing.assert_close(normalised_adjacency(adjacency_of(KARATE)), torch.eye(34) - laplacian)


def test_its_largest_eigenvalue_is_one():
    values = torch.linalg.eigvalsh(normalised_adjacency(adjacency_of(KARATE)))
    assert values[-1].item() == pytest.approx(1, abs=1e-5)
    assert values[0] > -1


@pytest.mark.parametrize(
    ("matrix", "said"),
    [(torch.ones(2, 3), r"got one of shape \(2, 3\)"), (torch.tensor([[0.0, 1], [0, 0]]), "square and symmetric"),
     (torch.eye(3), "leave the diagonal 0")],
)  # fmt: skip
def test_a_matrix_that_is_no_plain_graph_is_refused(matrix, said):
    with pytest.raises(ValueError, match=said):
        normalised_adjacency(matrix)


def network(*sizes: int, runs: int = 1) -> GraphNetwork:
    with seeded(0):
        return GraphNetwork(sizes, runs=runs)


def test_a_layer_is_a_sum_over_neighbours_then_one_matrix_for_all():
    propagate, features = normalised_adjacency(adjacency_of(KARATE)), torch.rand(34, 5)
    net = network(5, 3)
    node = 11
    heard = sum(propagate[node, other] * features[other] for other in [node, *KARATE[node]])
    torch.testing.assert_close(net(propagate, features)[0, node], heard @ net.weights[0][0])


def test_the_activation_stands_between_layers_and_not_after_the_last():
    propagate = normalised_adjacency(adjacency_of(KARATE))
    first, last = network(34, 8, 2).hidden(propagate, torch.eye(34))
    assert (first >= 0).all()
    assert (last < 0).any()


def test_a_node_hears_no_farther_than_there_are_layers():
    propagate, features = normalised_adjacency(adjacency_of(nx.path_graph(8))), torch.rand(8, 4)
    net = network(4, 16, 16, 3)
    moved = features.clone()
    moved[0] += 5
    changed = (net(propagate, moved) != net(propagate, features)).any(dim=-1)[0]
    assert changed.tolist() == [True, True, True, True, False, False, False, False]


def test_another_order_of_the_nodes_gives_the_same_answers_in_that_order():
    adjacency, features = adjacency_of(KARATE), torch.rand(34, 6)
    order = torch.randperm(34, generator=torch.Generator().manual_seed(0))
    net = network(6, 8, 2)
    answers = net(normalised_adjacency(adjacency), features)
    again = net(normalised_adjacency(adjacency[order][:, order]), features[order])
    torch.testing.assert_close(again, answers[:, order])


def test_runs_side_by_side_learn_what_each_would_learn_alone():
    propagate, features, labels = normalised_adjacency(adjacency_of(KARATE)), torch.eye(34), torch.arange(34) % 2

    def learnt(net: GraphNetwork) -> Tensor:
        optimiser = torch.optim.AdamW(net.parameters(), lr=0.01)
        for _ in range(10):
            logits = net(propagate, features)
            loss = F.cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits)), reduction="sum")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return net(propagate, features).detach()

    together = network(34, 4, 2, runs=3)
    alone = []
    for run in range(3):
        single = network(34, 4, 2)
        for mine, theirs in zip(single.weights, together.weights, strict=True):
            mine.data = theirs.data[run : run + 1].clone()
        alone.append(learnt(single))
    torch.testing.assert_close(learnt(together), torch.cat(alone), atol=1e-4, rtol=1e-4)


def test_the_weights_are_counted_and_start_within_glorots_bounds():
    net = network(34, 16, 2)
    assert count_parameters(net) == 34 * 16 + 16 * 2
    assert net.weights[0].abs().max() <= (6 / 50) ** 0.5
    assert net.weights[0].std().item() == pytest.approx((2 / 50) ** 0.5, rel=0.1)


def test_a_network_without_a_layer_or_a_run_is_refused():
    with pytest.raises(ValueError, match=r"got \(3,\) and 1"):
        GraphNetwork([3])
    with pytest.raises(ValueError, match=r"got \(3, 2\) and 0"):
        GraphNetwork([3, 2], runs=0)


# Labels that spread


def test_spreading_ends_where_many_small_rounds_end():
    propagate = normalised_adjacency(adjacency_of(KARATE))
    known = torch.zeros(34, 2)
    known[0, 0] = known[33, 1] = 1
    state = known
    for _ in range(200):
        state = 0.9 * propagate @ state + 0.1 * known
    torch.testing.assert_close(spread_labels(propagate, known, share=0.9), state, atol=1e-5, rtol=1e-4)


def test_labels_do_not_reach_a_part_that_no_edge_leads_to():
    propagate = normalised_adjacency(adjacency_of(nx.disjoint_union(nx.path_graph(3), nx.path_graph(3))))
    known = torch.zeros(4, 6, 1)
    known[:, 0] = 1
    spread = spread_labels(propagate, known)
    assert spread.shape == (4, 6, 1)
    assert (spread[:, :3] > 0).all()
    assert (spread[:, 3:].abs() < 1e-6).all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_nothing_or_all_is_refused(share):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {share}"):
        spread_labels(torch.eye(2), torch.eye(2), share=share)


# Over-smoothing


def test_closeness_is_one_for_states_that_point_one_way_and_zero_at_right_angles():
    direction = torch.rand(5)
    assert closeness(torch.arange(1.0, 7)[:, None] * direction).item() == pytest.approx(1, abs=1e-5)
    assert closeness(torch.eye(6)).item() == pytest.approx(0, abs=1e-6)
    assert closeness(torch.zeros(2, 4, 3)).tolist() == [0, 0]


def test_averaging_over_and_over_makes_all_nodes_of_a_connected_graph_alike():
    propagate = normalised_adjacency(adjacency_of(KARATE))
    close = [closeness(torch.linalg.matrix_power(propagate, rounds)).item() for rounds in (0, 1, 4, 16, 64)]
    assert close == sorted(close)
    assert close[0] == 0
    assert close[-1] > 0.999
