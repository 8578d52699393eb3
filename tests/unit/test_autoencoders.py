"""Autoencoders: shapes, PCA as a special case, and what the denoising loss asks for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from dlbasics.autoencoders import add_noise, conv_autoencoder, denoising_loss, linear_autoencoder
from dlbasics.data import Images
from dlbasics.experiments.codes import _as_autoencoder, ridge_map
from dlbasics.models import seeded


@pytest.fixture
def images() -> Images:
    generator = torch.Generator().manual_seed(0)
    return Images(torch.rand(40, 1, 28, 28, generator=generator), torch.arange(40) % 10, tuple("abcdefghij"))


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("make", [linear_autoencoder, conv_autoencoder])
def test_an_image_becomes_a_code_of_the_asked_size_and_an_image_again(make, size, images):
    model = make(size).eval()
    code = model[0](images.pixels)
    assert code.shape == (40, size)
    assert model[1](code).shape == images.pixels.shape


def test_a_convolutional_decoder_stays_within_the_range_of_a_pixel(images):
    model = conv_autoencoder(3, width=2)
    decoded = model[1](100 * torch.randn(20, 3))
    assert decoded.min() >= 0
    assert decoded.max() <= 1


@pytest.mark.parametrize("make", [linear_autoencoder, conv_autoencoder])
def test_a_code_without_numbers_is_refused(make):
    with pytest.raises(ValueError, match="at least 1 number, got size=0"):
        make(0)


def test_pca_written_as_a_linear_autoencoder_gives_back_what_scikit_learn_does(images):
    flat = images.pixels.flatten(1).numpy()
    pca = PCA(n_components=6, svd_solver="full").fit(flat)
    model = _as_autoencoder(torch.from_numpy(pca.components_), torch.from_numpy(pca.mean_), 4)
    pca.components_[4:] = 0
    np.testing.assert_allclose(model[0](images.pixels).detach(), pca.transform(flat)[:, :4], atol=1e-4)
    expected = pca.inverse_transform(pca.transform(flat)).reshape(images.pixels.shape)
    np.testing.assert_allclose(model(images.pixels).detach(), expected, atol=1e-4)


def test_noise_has_the_asked_deviation_where_nothing_is_cut_off():
    grey = torch.full((20, 1, 28, 28), 0.5)
    noisy = add_noise(grey, 0.1, generator=torch.Generator().manual_seed(0))
    assert noisy.std().item() == pytest.approx(0.1, rel=0.05)
    assert torch.equal(add_noise(grey, 0.0), grey)
    assert add_noise(grey, 5.0).min() == 0
    assert add_noise(grey, 5.0).max() == 1


def test_negative_noise_is_refused():
    with pytest.raises(ValueError, match=r"got -0\.1"):
        add_noise(torch.zeros(1, 1, 28, 28), -0.1)


def test_the_denoising_loss_compares_with_the_clean_image(images):
    class Copy(torch.nn.Module):
        def forward(self, pixels):
            return pixels

    generator = torch.Generator().manual_seed(3)
    found = denoising_loss(0.2)(Copy(), images, generator)
    noisy = add_noise(images.pixels, 0.2, generator=torch.Generator().manual_seed(3))
    assert found.item() == pytest.approx((noisy - images.pixels).square().mean().item())
    assert denoising_loss(0.0)(Copy(), images, generator).item() == 0


def test_the_ridge_map_finds_an_affine_map_from_its_examples():
    with seeded(0):
        x, weight, bias = torch.randn(200, 5), torch.randn(5, 3), torch.randn(3)
    found_weight, found_bias = ridge_map(x, x @ weight + bias, ridge=0.0)
    torch.testing.assert_close(found_weight, weight, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found_bias, bias, atol=1e-4, rtol=1e-4)
