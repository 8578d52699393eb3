"""The tracker and registry on their real embedded store: what is kept comes back, quietly and from disk."""

import subprocess
import sys

from dlbasics.registry import flat

STORY = """
import sys
import torch
from torch import nn
from dlbasics import registry
from dlbasics.training import History

experiment = registry.open_store(sys.argv[1], experiment="test")
assert registry.open_store(sys.argv[1], experiment="test") == experiment
import mlflow, mlflow.pytorch

client = mlflow.MlflowClient()
client.create_registered_model("small")
history = History()
for step in range(1, 1202):  # more than MLflow takes at once
    history.append({"step": step, "train_loss": 1 / step})
network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3)).eval()
pixels = torch.rand(7, 2, 4, 5)
nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)  # as the training loop leaves it
order = network[0].weight.stride()
with mlflow.start_run(experiment_id=experiment) as run:
    registry.log_history(run.info.run_id, history)
    saved = mlflow.pytorch.log_model(
        registry.exportable(network), name="model", input_example=pixels[:2].numpy(), pip_requirements=["torch"])
client.create_model_version("small", source=saved.model_uri, run_id=run.info.run_id)
client.set_registered_model_alias("small", "champion", "1")

loaded = mlflow.pytorch.load_model("models:/small@champion")
torch.testing.assert_close(loaded(pixels), network(pixels))
assert network[0].weight.stride() == order  # the model given is left as it is
curve = client.get_metric_history(run.info.run_id, "train_loss")
assert [metric.value for metric in sorted(curve, key=lambda metric: metric.step)] == history["train_loss"]
"""


def test_a_registered_model_comes_back_with_its_curve_and_nothing_is_said_on_stderr(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STORY, str(tmp_path / "store")], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / "store" / "mlflow.db").exists()


def test_nested_settings_are_named_by_their_path():
    assert flat({"steps": 3, "augment": {"flip": True, "area": (1, 1)}}) == {
        "steps": 3, "augment.flip": True, "augment.area": (1, 1),
    }  # fmt: skip
