"""The splits: disjoint, whole, stratified, and a test split that nobody opens by mistake."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from dlbasics import data, sources
from dlbasics.data import Batches, Images

PROJECT = Path(data.__file__).parents[2]
# Who may open the test split: its definition, and the headline tables.
MAY_OPEN_THE_TEST_SPLIT = {
    "src/dlbasics/data.py": "defines the way in",
    "src/dlbasics/experiments/label_efficiency.py": "P3, the headline of the Pipeline part",
    "src/dlbasics/experiments/measures.py": "R9, the table of the Representations part",
}


def numbered(n: int, *, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Images whose first two pixels spell their number, and labels that go round."""
    pixels = np.zeros((n, 28, 28), dtype=np.uint8)
    pixels[:, 0, 0], pixels[:, 0, 1] = np.arange(n) // 256, np.arange(n) % 256
    return pixels, (np.arange(n) % classes).astype(np.uint8)


def numbers(images: Images) -> list[int]:
    first, second = (images.pixels[:, 0, 0, :2] * 255).round().long().T
    return (first * 256 + second).tolist()


def toy(n: int, *, classes: int = 10) -> Images:
    pixels, labels = numbered(n, classes=classes)
    names = tuple(f"class {k}" for k in range(classes))
    return Images(torch.from_numpy(pixels).float().div(255)[:, None], torch.from_numpy(labels).long(), names)


@pytest.fixture
def splits_read(monkeypatch) -> list[str]:
    """Stands 120 numbered images in for the data set, and lists which split was read."""
    read: list[str] = []

    def source(root=None, *, source=None):
        def read_split(split):
            read.append(split)
            return numbered(120 if split == "train" else 40)

        return sources.Source("fashion-mnist", "made up", tuple("abcdefghij"), read_split)

    monkeypatch.setattr(sources, "fashion_mnist", source)
    return read


def test_what_was_loaded_ahead_is_handed_out_once(splits_read):
    data.load_ahead()
    data.load_ahead()
    read = list(splits_read)
    first = data.load()
    assert splits_read == read
    second = data.load()
    assert len(splits_read) == len(read) + 1
    first.train.pixels.zero_()
    assert second.train.pixels.any()


def test_what_was_loaded_ahead_is_not_for_who_wants_it_from_elsewhere(splits_read, tmp_path):
    data.load_ahead()
    read = list(splits_read)
    data.load(root=tmp_path)
    assert len(splits_read) == len(read) + 1
    assert data.load() is not None
    assert len(splits_read) == len(read) + 1


def test_pixels_are_grey_images_between_zero_and_one(splits_read):
    train = data.load().train
    assert train.pixels.shape == (100, 1, 28, 28)
    assert train.pixels.dtype == torch.float32
    assert train.labels.dtype == torch.int64
    assert 0 <= train.pixels.min() <= train.pixels.max() <= 1
    assert train.n_classes == 10


def test_the_splits_are_disjoint_and_together_everything(splits_read):
    course = data.load()
    assert sorted(numbers(course.train) + numbers(course.validation)) == list(range(120))


def test_every_reader_gets_the_same_split(splits_read):
    assert numbers(data.load().validation) == numbers(data.load().validation)


def test_the_test_file_is_not_read_before_it_is_opened(splits_read):
    course = data.load()
    assert splits_read == ["train"]
    assert len(course.open_test(because="the table of this test")) == 40
    assert splits_read == ["train", "test"]


@pytest.mark.parametrize("because", ["", "  \n"])
def test_the_test_split_stays_shut_without_a_reason(splits_read, because):
    with pytest.raises(ValueError, match=r"needs because=.*\.validation for choices"):
        data.load().open_test(because=because)
    assert "test" not in splits_read


def test_the_reason_must_be_spelt_out_by_name(splits_read):
    with pytest.raises(TypeError):
        data.load().open_test()
    with pytest.raises(TypeError):
        data.load().open_test("a positional reason")
    assert "test" not in splits_read


def test_no_public_attribute_of_a_data_set_holds_the_test_split(splits_read):
    course = data.load()
    assert [name for name in dir(course) if "test" in name and not name.startswith("_")] == ["open_test"]
    assert "test" not in repr(course).lower()
    assert splits_read == ["train"]


def test_another_data_set_is_refused(splits_read):
    with pytest.raises(ValueError, match="unknown data set 'cifar'; the course has 'fashion-mnist'"):
        data.load(name="cifar")
    assert splits_read == []


def code_of(path: Path) -> str:
    """Python as it is; of a page or notebook only its code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return "\n".join(match[0] for match in re.finditer(r"^(`{3,}|~{3,}).*?^\1", text, re.MULTILINE | re.DOTALL))
    return text


def test_only_the_headline_tables_open_the_test_split():
    # a call with an empty reason shows a reader that it is refused: it opens nothing
    opens = re.compile(r"open_test\s*\((?!because=\"\"\))|_read_test|\.read\(\s*\\?[\"']test")
    files = [
        path
        for folder in ("src", "book", "exercises", "solutions")
        for kind in ("*.py", "*.md", "*.ipynb")
        for path in (PROJECT / folder).rglob(kind)
        if not {"_build", "_static", ".ipynb_checkpoints", "vendor"} & set(path.relative_to(PROJECT).parts)
    ]
    assert len(files) > 20
    found = {path.relative_to(PROJECT).as_posix() for path in files if opens.search(code_of(path))}
    assert found == MAY_OPEN_THE_TEST_SPLIT.keys()


def test_the_real_splits_are_whole_and_stratified(fashion):
    assert (len(fashion.train), len(fashion.validation)) == (50_000, 10_000)
    assert fashion.train.labels.bincount().tolist() == [5000] * 10
    assert fashion.validation.labels.bincount().tolist() == [1000] * 10
    assert fashion.train.class_names[9] == "Ankle boot"


def test_the_real_splits_hold_every_image_of_the_file_once(fashion):
    def checksums(pixels: np.ndarray, labels: np.ndarray) -> list[int]:
        return [10 * zlib.crc32(image) + int(label) for image, label in zip(pixels, labels, strict=True)]

    found = []
    for part in (fashion.train, fashion.validation):
        found += checksums(part.pixels.mul(255).round().byte().numpy(), part.labels.numpy())
    assert sorted(found) == sorted(checksums(*sources.fashion_mnist().read("train")))


def test_images_can_be_picked_by_slice_list_index_and_mask():
    images = toy(20)
    mask = torch.zeros(20, dtype=torch.bool)
    mask[[3, 7]] = True
    assert numbers(images[2:5]) == [2, 3, 4]
    assert numbers(images[[4, 1]]) == [4, 1]
    assert numbers(images[torch.tensor([9, 9])]) == [9, 9]
    assert numbers(images[mask]) == [3, 7]
    assert images[[4, 1]].labels.tolist() == [4, 1]


def test_images_can_move_to_another_device():
    moved = toy(10).to("meta")
    assert moved.pixels.device.type == moved.labels.device.type == "meta"


def test_pixels_and_labels_that_do_not_belong_together_are_named():
    with pytest.raises(ValueError, match=r"got \(3, 1, 2, 2\) and \(4,\)"):
        Images(torch.zeros(3, 1, 2, 2), torch.zeros(4, dtype=torch.long), ("a",))
    with pytest.raises(ValueError, match=r"got \(3, 2, 2\) and \(3,\)"):
        Images(torch.zeros(3, 2, 2), torch.zeros(3, dtype=torch.long), ("a",))


@pytest.mark.parametrize("n", [9, 31])
def test_a_budget_without_room_for_every_class_or_beyond_the_images_is_named(n):
    with pytest.raises(ValueError, match=rf"number of classes \(10\) and of images \(30\), got {n}"):
        data.label_budget(toy(30), n, seed=0)


def test_a_class_too_small_for_its_share_is_named():
    images = toy(30)[[*range(29), 0]]  # class 9 has two images left
    with pytest.raises(ValueError, match=r"class 9 \(class 9\) has 2 images, its share is 3"):
        data.label_budget(images, 30, seed=0)


def test_another_seed_draws_other_labels():
    assert numbers(data.label_budget(toy(200), 20, seed=0)[0]) != numbers(data.label_budget(toy(200), 20, seed=1)[0])


def test_a_balanced_subset_is_the_labelled_part_of_a_budget():
    subset = data.balanced_subset(toy(200), 50, seed=3)
    assert subset.labels.bincount().tolist() == [5] * 10
    assert numbers(subset) == numbers(data.label_budget(toy(200), 50, seed=3)[0])


def test_an_epoch_shows_no_image_twice_and_drops_only_the_smaller_rest():
    batches = Batches(toy(23), 5, seed=0)
    assert batches.per_epoch == 4
    for epoch in range(3):
        seen = [number for step in range(4) for number in numbers(batches(4 * epoch + step))]
        assert len(seen) == len(set(seen)) == 20


def test_every_epoch_is_shuffled_anew():
    batches = Batches(toy(20), 20, seed=0)
    assert len({tuple(numbers(batches(step))) for step in range(5)}) == 5


def test_a_batch_depends_on_seed_and_step_alone():
    straight = Batches(toy(23), 5, seed=3)
    expected = [numbers(straight(step)) for step in range(12)]
    backwards = Batches(toy(23), 5, seed=3)
    assert [numbers(backwards(step)) for step in reversed(range(12))] == expected[::-1]
    assert numbers(Batches(toy(23), 5, seed=3)(7)) == expected[7]
    assert numbers(Batches(toy(23), 5, seed=4)(7)) != expected[7]


def test_labels_travel_with_their_images():
    batch = Batches(toy(30), 30, seed=0)(0)
    assert batch.labels.tolist() == [number % 10 for number in numbers(batch)]


def test_fewer_images_than_a_batch_make_one_smaller_batch():
    batches = Batches(toy(3, classes=3), 128, seed=0)
    assert (batches.size, batches.per_epoch) == (3, 1)
    assert sorted(numbers(batches(5))) == [0, 1, 2]


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        Batches(toy(10), 0, seed=0)
