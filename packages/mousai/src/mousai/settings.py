"""Settings as fields of a dataclass, each with its help, bounds and option: the machinery below `SamplingConfig`."""

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from mousai.errors import UserError, is_finite

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Description of a setting, beside its name and default.

    Args:
        help: one sentence for `--help` and for the reader of the docs.
        kind: type of the value.
        stage: part of the model that it concerns, "latent_diffusion" or "decoder".
        low: least value.
        high: greatest value.
        above: the value must be greater than `low`, not equal to it.
        usual: which values are usual, said where one is refused.
        option: option of the command line; by default the name with dashes.
        metavar: placeholder of the value in `--help`.
        choices: gives the names that are known.
        accepts: tells whether an object that is no name will do instead.
        needs: argument without which the setting does nothing.
    """

    help: str
    kind: type
    stage: str
    low: float = 0.0
    high: float = math.inf
    above: bool = False
    usual: str = ""
    option: str | None = None
    metavar: str = "N"
    choices: Callable[[], Sequence[str]] | None = None
    accepts: Callable[[Any], bool] | None = None
    needs: str = ""

    def check(self, name: str, value: Any) -> Any:
        """Return the value as `kind`; `UserError` names the setting, the value and what would do."""
        if self.choices is not None:
            if self.accepts is not None and self.accepts(value):
                return value
            if not isinstance(value, str) or value not in self.choices():
                raise UserError(name, value, f"must be one of {', '.join(self.choices())}")
            return value
        if self.kind is bool:
            if not isinstance(value, bool):
                raise UserError(name, value, f"must be True or False, not {type(value).__name__}")
            return value
        whole = self.kind is int
        if isinstance(value, bool) or not hasattr(value, "__index__" if whole else "__float__"):
            kind = type(value).__name__
            raise UserError(name, value, f"must be {'a whole number (int)' if whole else 'a number'}, not {kind}")
        number: float = value.__index__() if whole else float(value)
        low_enough = number > self.low if self.above else number >= self.low
        if not (is_finite(number) and low_enough and number <= self.high):
            bounds = (
                f"lie above {self.low:g}, up to {self.high:g}" if self.above else f"be {self.low:g} to {self.high:g}"
            )
            raise UserError(name, value, f"must {bounds}{self.usual and f'; {self.usual}'}")
        return number

    def read(self, text: str) -> Any:
        """Return the value that a text says; ValueError where it says none of this kind."""
        if self.kind is not bool:
            return self.kind(text)
        if text not in ("True", "False"):
            raise ValueError(text)
        return text == "True"

    def words(self, name: str, value: Any) -> list[str]:
        """Return the words of a command line that set a value, which may be a text of it; a flag is one word."""
        option = self.option_of(name)
        if self.kind is bool:
            return [option if str(value) == "True" else option.replace("--", "--no-", 1)]
        return [option, str(value)]

    def option_of(self, name: str) -> str:
        """Return the option of the command line that sets it."""
        return self.option or "--" + name.replace("_", "-")

    def stored_as(self, name: str) -> str:
        """Return the name under which results and files store it: that of the option, without dashes."""
        return self.option_of(name).lstrip("-").replace("-", "_")


def setting(default: Any, **about: Any) -> Any:
    """Declare a field of a dataclass of settings; `about` are the arguments of `Setting` but `kind`."""
    return field(default=default, metadata={"setting": Setting(kind=type(default), **about)})


def settings_of(config: type) -> dict[str, Setting]:
    """Return the settings of a dataclass in their order: name -> what is known of it."""
    return {one.name: one.metadata["setting"] for one in fields(config) if "setting" in one.metadata}


def flags_of(config: type) -> dict[str, Setting]:
    """Return the settings that are yes or no, by the names under which files store them."""
    return {one.stored_as(name): one for name, one in settings_of(config).items() if one.kind is bool}


def number_word(value: float) -> str:
    """Return the shortest text that reads back as the very same number: 8, 0.1, 123.046875."""
    return repr(float(value)).removesuffix(".0")


def refuse_unknown(names: Mapping[str, Any], config: type) -> None:
    """Raise `UserError` for the first name that is no setting of `config`, with the nearest that is one."""
    known = settings_of(config)
    for name, value in names.items():
        if name not in known:
            raise UserError(name, value, f"is no setting of sampling{did_you_mean(name, known)}")


def did_you_mean(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """Return "; did you mean …?" with the known name that is most like `name`, or nothing."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def takes_settings(config: type, *, stage: str | None = None) -> Callable[[F], F]:
    """Give a function that ends in `**settings` the signature and the docs of its settings.

    What a reader of `help(function)` and an editor see is then a flat list of arguments, although each setting is
    written down once, as a field of `config`. An unknown name is a TypeError, as for any function.

    Args:
        config: dataclass of settings.
        stage: only the settings of this stage.
    """
    chosen = {name: one for name, one in settings_of(config).items() if stage in (None, one.stage)}

    def changed(function: F) -> F:
        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            for name in kwargs.keys() - plain.keys():
                if name not in allowed(args[0]):
                    raise TypeError(
                        f"{function.__name__}() got an unexpected keyword argument {name!r}"
                        f"{did_you_mean(name, [*plain, *chosen])}"
                    )
            return function(*args, **kwargs)

        def allowed(owner: Any) -> Mapping[str, Setting]:
            # A pipeline whose defaults are of a dataclass with more settings takes those too.
            known = settings_of(type(owner.defaults))
            return {name: one for name, one in known.items() if stage in (None, one.stage)}

        signature = inspect.signature(function)
        plain = {name: one for name, one in signature.parameters.items() if one.kind is not one.VAR_KEYWORD}
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=one.kind | None)
            for name, one in chosen.items()
        ]
        checked.__signature__ = signature.replace(parameters=[*plain.values(), *more])  # type: ignore[attr-defined]
        lines = "\n".join(
            f"            {name}: {one.help}; by default the model's own." for name, one in chosen.items()
        )
        checked.__doc__ = (function.__doc__ or "").replace("            **settings: see below.", lines)
        return checked  # type: ignore[return-value]

    return changed
