"""Attention: equal to torch's own, blind to order without positions, blind to the future under its mask."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from dlbasics.attention import (
    CharacterModel,
    MultiHeadAttention,
    Transformer,
    TransformerBlock,
    VisionTransformer,
    attention,
    causal_mask,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(
    n=st.integers(1, 3), t=st.integers(1, 5), s=st.integers(1, 6), d=st.integers(1, 5), e=st.integers(1, 4),
    seed=st.integers(0, 99), masked=st.booleans(),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_attention_is_torchs_scaled_dot_product_attention(n, t, s, d, e, seed, masked):
    q, k, v = normal(n, t, d, seed=seed), normal(n, s, d, seed=seed + 1), normal(n, s, e, seed=seed + 2)
    mask = None
    if masked:
        mask = torch.rand(t, s, generator=torch.Generator().manual_seed(seed)) < 0.5
        mask[:, 0] = True  # every query needs one place to look at
    out, weights = attention(q, k, v, mask=mask)
    torch.testing.assert_close(out, F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(n, t, dtype=torch.float64))
    assert (weights >= 0).all()
    if mask is not None:
        assert (weights[:, ~mask] == 0).all()


def test_a_query_that_fits_one_key_far_better_takes_its_value():
    keys, values = torch.eye(3), torch.tensor([[1.0], [2.0], [4.0]])
    found, weights = attention(1000 * keys[[2, 0]], keys, values)
    torch.testing.assert_close(found, torch.tensor([[4.0], [1.0]]))
    torch.testing.assert_close(weights, keys[[2, 0]])


def test_a_query_that_fits_no_key_takes_the_mean():
    found, weights = attention(torch.zeros(1, 3), normal(4, 3).float(), torch.tensor([[1.0], [2.0], [4.0], [9.0]]))
    torch.testing.assert_close(weights, torch.full((1, 4), 0.25))
    torch.testing.assert_close(found, torch.tensor([[4.0]]))


def test_the_causal_mask_is_the_lower_triangle():
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert torch.equal(causal_mask(7), ~nn.Transformer.generate_square_subsequent_mask(7).isinf())


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("masked", [False, True])
def test_multi_head_attention_is_torchs_with_the_same_weights(heads, masked):
    ours = MultiHeadAttention(8, heads=heads).double()
    theirs = nn.MultiheadAttention(8, heads, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.project.weight)
        theirs.in_proj_bias.copy_(ours.project.bias)
        theirs.out_proj.load_state_dict(ours.combine.state_dict())
    tokens = normal(3, 5, 8)
    mask = causal_mask(5) if masked else None
    expected, weights = theirs(
        tokens, tokens, tokens, attn_mask=None if mask is None else ~mask, average_attn_weights=False
    )
    torch.testing.assert_close(ours(tokens, mask), expected)
    torch.testing.assert_close(ours.weights, weights)
    assert not ours.weights.requires_grad


def test_a_dimension_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="dimension must be a multiple of heads, got 10 and 4"):
        MultiHeadAttention(10, heads=4)


def test_a_block_is_torchs_encoder_layer_with_the_norm_first():
    ours = TransformerBlock(8, heads=2).double()
    theirs = nn.TransformerEncoderLayer(
        8, 2, dim_feedforward=32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).double()
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(ours.attention.project.weight)
        theirs.self_attn.in_proj_bias.copy_(ours.attention.project.bias)
        theirs.self_attn.out_proj.load_state_dict(ours.attention.combine.state_dict())
        theirs.linear1.load_state_dict(ours.mlp[0].state_dict())
        theirs.linear2.load_state_dict(ours.mlp[2].state_dict())
    tokens = normal(3, 5, 8)
    torch.testing.assert_close(ours(tokens), theirs(tokens))


def test_without_positions_tokens_are_a_set():
    model = Transformer(8, length=6, depth=2, heads=2, positions=False).double()
    tokens, order = normal(2, 6, 8), torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(model(tokens[:, order]), model(tokens)[:, order])


def test_with_positions_they_are_a_sequence():
    model = Transformer(8, length=6, depth=1, heads=2).double()
    tokens, order = normal(2, 6, 8), torch.tensor([3, 0, 5, 1, 4, 2])
    assert (model(tokens[:, order]) - model(tokens)[:, order]).abs().max() > 1e-4


@pytest.mark.parametrize("causal", [True, False])
def test_a_later_token_changes_an_earlier_output_only_without_the_mask(causal):
    model = Transformer(8, length=6, depth=2, heads=2, causal=causal).double()
    tokens = normal(2, 6, 8)
    changed = tokens.clone()
    changed[:, 3] = normal(2, 8, seed=5)
    moved = (model(changed) - model(tokens)).abs().amax(dim=(0, 2)) > 1e-9
    assert moved.tolist() == [not causal] * 3 + [True] * 3


def test_a_shorter_sequence_gets_the_first_positions_and_a_longer_one_is_refused():
    model = Transformer(8, length=4, causal=True).double()
    tokens = normal(1, 4, 8)
    torch.testing.assert_close(model(tokens[:, :2]), model(tokens)[:, :2])
    with pytest.raises(ValueError, match="at most 4 tokens have a position, got 5"):
        model(normal(1, 5, 8))


def test_without_positions_there_is_no_longest_sequence():
    assert Transformer(8, length=4, positions=False).double()(normal(1, 9, 8)).shape == (1, 9, 8)


def test_dropout_acts_in_training_only():
    block = TransformerBlock(8, heads=2, dropout=0.5).double()
    tokens = normal(2, 4, 8)
    assert not torch.equal(block(tokens), block(tokens))
    block.eval()
    assert torch.equal(block(tokens), block(tokens))


@pytest.mark.parametrize("causal", [True, False])
def test_a_character_model_gives_logits_at_every_place_and_keeps_its_maps(causal):
    model = CharacterModel(11, length=6, dimension=8, depth=3, heads=2, causal=causal)
    logits = model(torch.randint(11, (4, 5)))
    assert logits.shape == (4, 5, 11)
    for block in model.transformer.blocks:
        weights = block.attention.weights
        assert weights.shape == (4, 2, 5, 5)
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(4, 2, 5))
        assert bool((weights.triu(1) == 0).all()) == causal


def test_a_vision_transformers_tokens_are_the_patches_row_by_row():
    model = VisionTransformer(side=6, patch=3, channels=2, dimension=8, heads=2)
    seen = []
    model.transformer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    pixels = torch.zeros(1, 2, 6, 6)
    pixels[0, :, 0:3, 3:6] = torch.rand(2, 3, 3)  # the patch at the top right
    embedding = model(pixels)
    assert embedding.shape == (1, model.dimension)
    empty = model.patches.bias
    by_hand = empty + torch.einsum("dchw,chw->d", model.patches.weight, pixels[0, :, 0:3, 3:6])
    torch.testing.assert_close(seen[0][0], torch.stack([empty, by_hand, empty, empty]))


def test_patches_that_do_not_tile_the_image_are_refused():
    with pytest.raises(ValueError, match="patches of 5 pixels do not tile a side of 28"):
        VisionTransformer(patch=5)


@pytest.mark.parametrize("causal", [True, False])
def test_gradients_reach_every_weight(causal):
    model = CharacterModel(7, length=5, dimension=8, heads=2, causal=causal)
    model(torch.arange(7).repeat(3, 1)[:, :5].roll(1, 0)).square().sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in model.transformer.parameters()
    )
