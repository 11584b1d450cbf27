"""A module's source to its mutants: each has one check less, or one check inverted.

What counts as a check: a call that stands alone, `raise`, the condition of `if`, `while`, a conditional
expression, a comprehension or a `case`, one operand of `and` or `or`, the end of a range in a comparison,
what a predicate returns, and one element of a set of constants.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

Edit: TypeAlias = tuple[str, int, tuple[str, object]]
"""What it is, the line, and an attribute of the node with what that becomes."""

BOUNDARIES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to a module.

    Args:
        name: where the change is and what it is, without line numbers, so that it outlives other changes.
        place: the function or class that it is in, such as `Class.method`; "module" for none.
        line: where it is now.
        node: the number of the node that is changed, in the order of `_nodes`.
        edit: the number of the change, in the order of `_edits`.
    """

    name: str
    place: str
    line: int
    node: int
    edit: int


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    seen: Counter[str] = Counter()
    for number, (place, node) in enumerate(_nodes(ast.parse(source))):
        for which, (what, line, _) in enumerate(_edits(node, place)):
            name = f"{place.name}: {what}"
            seen[name] += 1
            times = f" ({seen[name]})" if seen[name] > 1 else ""
            yield Mutant(name + times, place.name, line, number, which)


def changed(source: str, mutant: Mutant) -> ast.Module:
    """The module as a mutant has it."""
    tree = ast.parse(source)
    place, node = _nodes(tree)[mutant.node]
    _, _, (attribute, value) = list(_edits(node, place))[mutant.edit]
    setattr(node, attribute, value)
    return ast.fix_missing_locations(tree)


@dataclass(frozen=True, slots=True)
class _Place:
    """The function or class that a node stands in."""

    name: str
    predicate: bool
    top: bool


def _nodes(tree: ast.Module) -> list[tuple[_Place, ast.AST]]:
    """Every node with its place, parents before children; annotations and decorators have no checks."""
    found: list[tuple[_Place, ast.AST]] = []

    def walk(node: ast.AST, place: _Place) -> None:
        inside = place
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name if place.top else f"{place.name}.{node.name}"
            returns = None if isinstance(node, ast.ClassDef) else node.returns
            inside = _Place(name, isinstance(returns, ast.Name) and returns.id == "bool", top=False)
        found.append((inside, node))
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "args", "type_comment"} and not isinstance(
                node, ast.Call
            ):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    walk(child, inside)

    walk(tree, _Place("module", predicate=False, top=True))
    return found


def _edits(node: ast.AST, place: _Place) -> Iterator[Edit]:
    """What can be changed at a node; statements are changed in the block that holds them."""
    for block in ("body", "orelse", "finalbody"):
        statements = getattr(node, block, None)
        if isinstance(statements, list):
            yield from _fewer(block, statements)
    yield from _conditions(node)
    yield from _operands(node)
    match node:
        case ast.Return(value=ast.expr() as value) if place.predicate and not _is_constant(value):
            for always in (False, True):
                what = f"return {always} for {ast.unparse(value)}"
                yield what, node.lineno, ("value", ast.Constant(always))
        case ast.Set(elts=elements) | ast.Tuple(elts=elements) if place.top and len(elements) > 1:
            for index, element in enumerate(elements):
                if _is_constant(element):
                    what = f"without {ast.unparse(element)}"
                    yield what, element.lineno, ("elts", _without(elements, index))
        case _:
            pass


def _conditions(node: ast.AST) -> Iterator[Edit]:
    """Always, or never, instead of a condition."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) if not _is_constant(test):
            yield f"False for {ast.unparse(test)}", test.lineno, ("test", ast.Constant(value=False))
            if not isinstance(node, ast.While):
                yield f"True for {ast.unparse(test)}", test.lineno, ("test", ast.Constant(value=True))
        case ast.comprehension(ifs=ifs):
            for index, condition in enumerate(ifs):
                yield f"without if {ast.unparse(condition)}", condition.lineno, ("ifs", _without(ifs, index))
        case ast.match_case(guard=ast.expr() as guard):
            yield f"without the guard {ast.unparse(guard)}", guard.lineno, ("guard", None)
        case _:
            pass


def _operands(node: ast.AST) -> Iterator[Edit]:
    """Without an operand of `and` or `or`; a range whose end belongs to it, or no longer does."""
    match node:
        case ast.BoolOp(op=operator, values=values):
            conjunction = isinstance(operator, ast.And)
            for index, operand in enumerate(values):
                kept = [ast.Constant(conjunction), *_without(values, index)]
                word = "and" if conjunction else "or"
                yield f"without {word} {ast.unparse(operand)}", operand.lineno, ("values", kept)
        case ast.Compare(ops=ops):
            for index, comparison in enumerate(ops):
                if other := BOUNDARIES.get(type(comparison)):
                    changed = [*ops[:index], other(), *ops[index + 1 :]]
                    yield f"{other.__name__} in {ast.unparse(node)}", node.lineno, ("ops", changed)
        case _:
            pass


def _fewer(block: str, statements: list[ast.stmt]) -> Iterator[Edit]:
    """Without one of the statements that only check or refuse."""
    for index, statement in enumerate(statements):
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
                pass  # proved by the type checker, and never reached
            case ast.Expr(value=ast.Call() | ast.Await(value=ast.Call()) | ast.Subscript()) | ast.Raise():
                kept = [*statements[:index], ast.Pass(), *statements[index + 1 :]]
                yield f"without {ast.unparse(statement)}", statement.lineno, (block, kept)
            case _:
                pass


def _without(nodes: list[ast.expr], index: int) -> list[ast.expr]:
    return [*nodes[:index], *nodes[index + 1 :]]


def _is_constant(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant)
