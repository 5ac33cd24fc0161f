"""Guards of a module, found in its syntax, and the module with a switch at each of them."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SWITCHES = "switches_of_guards"
"""Name of the module that a module with switches asks."""
_CHECK = re.compile(r"_*(check|refuse|require)(_\w+)?|require_all_read")
_NO_CHECK = ("requires_grad_",)


@dataclass(frozen=True)
class Guard:
    """A guard.

    Args:
        module: path of the module below the folder of sources.
        place: names of the class and the function that it stands in.
        line: first line, from 1.
        kind: "raise" for an `if` that ends in `raise`, "call" for a call of a function that only checks.
        text: what it asks, or the call, in one line.
        count: how many of the same stand before it in the same place.
    """

    module: str
    place: str
    line: int
    kind: str
    text: str
    count: int = 0

    @property
    def key(self) -> str:
        """What tells it from all others, whatever is written above it."""
        return f"{self.module} {self.place}: {self.text}" + (f" ({self.count})" if self.count else "")


def guards_of(source: str, module: str) -> list[Guard]:
    """Guards of a module, in the order of `ast`'s walk.

    Args:
        source: its text.
        module: path below the folder of sources.
    """
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for place, node in _walk(ast.parse(source)):
        kind = "raise" if isinstance(node, ast.If) else "call"
        text = " ".join(ast.unparse(node.test if isinstance(node, ast.If) else node).split())
        found.append(Guard(module, place, node.lineno, kind, text, seen[place, text]))
        seen[place, text] += 1
    return found


def switchable(source: str, module: str) -> str:
    """Text of a module that does the same, and asks `SWITCHES` whether each guard is heeded, once its moment comes.

    Args:
        source: the module.
        module: its path.
    """
    tree = ast.parse(source)
    for (_, node), guard in zip(list(_walk(tree)), guards_of(source, module), strict=True):
        if isinstance(node, ast.If):
            node.body = [ast.If(_ask("fires", guard), node.body, [])]
        else:
            handler = ast.ExceptHandler(ast.Name("BaseException"), None, [ast.Expr(_ask("fires", guard)), ast.Raise()])
            heeded = ast.Try([ast.Expr(node.value)], [handler], [], [])
            _put(tree, node, ast.If(_ask("is_heeded", guard), [heeded], []))
    return ast.unparse(ast.fix_missing_locations(tree))


def _ask(question: str, guard: Guard) -> ast.expr:
    return ast.parse(f"__import__({SWITCHES!r}).{question}({guard.key!r})", mode="eval").body


def all_guards(sources: Path, modules: Sequence[str]) -> list[Guard]:
    """Guards of all modules below a folder.

    Args:
        sources: folder of sources, `src` of a package.
        modules: modules and folders below it.
    """
    paths = [path for name in modules for path in _files(sources / name)]
    relative = sorted({path.relative_to(sources).as_posix() for path in paths})
    return [guard for name in relative for guard in guards_of((sources / name).read_text(encoding="utf-8"), name)]


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise ValueError(f"{path} does not exist; give modules or folders below the sources")
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _walk(tree: ast.Module) -> Iterator[tuple[str, ast.If | ast.Expr]]:
    """Guards with the names that they stand in."""
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        place, node = waiting.pop(0)
        if _is_guard(node):
            assert isinstance(node, ast.If | ast.Expr)
            yield place, node
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            place = f"{place}.{node.name}".lstrip(".")
        waiting += [(place, below) for below in ast.iter_child_nodes(node)]


def _is_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.body[-1], ast.Raise)
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    function = node.value.func
    name = (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
    return bool(_CHECK.fullmatch(name)) and name not in _NO_CHECK


def _put(tree: ast.Module, old: ast.stmt, new: ast.stmt) -> None:
    """Put a statement in the place of another."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and any(one is old for one in value):
                value[[one is old for one in value].index(True)] = new
                return
