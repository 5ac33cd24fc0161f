"""Options of sampling, made from the fields of `SamplingConfig`: one for each, with the field's help and bounds."""

import argparse
from collections.abc import Mapping
from typing import Any

from mousai.sampling_config import SamplingConfig
from mousai.settings import settings_of


def add_sampling_options(
    group: Any, *, stage: str | None = None, config: type = SamplingConfig, leave_out: tuple[str, ...] = ()
) -> None:
    """Add an option for each setting to a parser or a group of one.

    Args:
        group: what has argparse's `add_argument`.
        stage: only the settings of this stage.
        config: dataclass of settings.
        leave_out: settings that get no option here.
    """
    for name, setting in settings_of(config).items():
        if name not in leave_out and stage in (None, setting.stage):
            # `init_audio` and other fields are said in Python's words there: options have dashes.
            text = setting.help.replace("init_audio", "--init-audio")
            reads: dict[str, Any] = {"type": setting.kind, "metavar": setting.metavar}
            if setting.kind is bool:
                reads = {"action": argparse.BooleanOptionalAction}
            group.add_argument(setting.option_of(name), dest=name, help=text, **reads)


def given_settings(args: argparse.Namespace, config: type = SamplingConfig) -> Mapping[str, Any]:
    """Return the settings that were given on a command line, by field."""
    return {name: getattr(args, name) for name in settings_of(config) if getattr(args, name, None) is not None}


def check_settings(args: argparse.Namespace) -> None:
    """Refuse impossible settings before any model is read; `UserError` names the field."""
    known = settings_of(SamplingConfig)
    for name, value in given_settings(args).items():
        known[name].check(name, value)
