"""Adapters may be a stranger's: each that is wrong is one line, and the weights stay as they were."""

import pytest
import torch

from mousai import UserError
from mousai.diffusion.lora import FORMAT, A, B, add_lora, check_adapter, check_fits
from mousai.storage.weights import save_tensors

ABOUT = {"format": FORMAT, "version": "1", "rank": "2", "alpha": "4"}
GOOD = {"net" + A: torch.ones(2, 3), "net" + B: torch.ones(5, 2)}


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Parameter(torch.ones(5, 3))


@pytest.mark.parametrize(
    ("tensors", "about", "why"),
    [
        (GOOD, {"rank": "0"}, "rank='0', not a number above 0"),
        (GOOD, {"rank": "-2"}, "rank='-2'"),
        (GOOD, {"rank": "two"}, "rank='two'"),
        (GOOD, {"rank": "9" * 400}, "not a number above 0"),
        (GOOD, {"alpha": "inf"}, "alpha='inf'"),
        (GOOD, {"alpha": "nan"}, "alpha='nan'"),
        (GOOD, {"alpha": "1e300"}, "alpha='1e300'"),
        (GOOD, {"alpha": None}, "alpha=''"),
        (GOOD, {"format": "other"}, "is no adapter"),
        (GOOD, {"rank": "3"}, "none of rank 3"),
        ({"net" + A: GOOD["net" + A]}, {}, "lacks net.lora_B"),
        ({"net" + B: GOOD["net" + B]}, {}, "lacks net.lora_A"),
        ({**GOOD, "net" + A: torch.ones(2)}, {}, "none of rank 2"),
        ({**GOOD, "net" + B: torch.ones(5)}, {}, "none of rank 2"),
        ({**GOOD, "net" + A: torch.ones(2, 3, 1)}, {}, "none of rank 2"),
        ({**GOOD, "net" + A: torch.ones(0, 3), "net" + B: torch.ones(5, 0)}, {}, "none of rank 2"),
        ({**GOOD, "net" + A: torch.ones(2, 4)}, {}, "of another model"),
        ({"other" + A: GOOD["net" + A], "other" + B: GOOD["net" + B]}, {}, "not in the model"),
        ({**GOOD, "more": torch.ones(1)}, {}, "holds more, which is no part"),
        ({key: 3e38 * value for key, value in GOOD.items()}, {}, "makes net infinite"),
        ({}, {}, "holds no change"),
    ],
)
def test_an_adapter_that_is_wrong(tmp_path, tensors, about, why):
    model, path = Model(), tmp_path / "a.safetensors"
    metadata = {key: value for key, value in {**ABOUT, **about}.items() if value is not None}
    save_tensors(path, tensors, metadata=metadata)
    with pytest.raises(UserError) as caught:
        add_lora(model, path)
    assert why in str(caught.value) and "\n" not in str(caught.value)
    assert bool((model.net == 1).all())
    if "infinite" not in why:  # which only the numbers tell
        save_tensors(tmp_path / "model.safetensors", {"net": model.net.detach()})
        with pytest.raises(UserError) as headers:
            check_adapter(path)
            check_fits(path, tmp_path / "model.safetensors")
        assert str(headers.value) == str(caught.value)


def test_the_header_alone_tells_most_of_it(tmp_path):
    path = tmp_path / "a.safetensors"
    save_tensors(path, GOOD, metadata={**ABOUT, "rank": "0"})
    with pytest.raises(UserError, match="rank"):
        check_adapter(path)
    save_tensors(path, GOOD, metadata=ABOUT)
    check_adapter(path)
    model = Model()
    assert add_lora(model, path, scale=0.5) == 1
    assert bool((model.net == 1 + 0.5 * 2 * 2).all())
    with pytest.raises(UserError, match=r"^scale=nan: must be a finite number$"):
        add_lora(model, path, scale=float("nan"))
