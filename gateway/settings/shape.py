"""The shape of the settings, read off their JSON Schema: which names may stand where, and what kind of value.

Nothing is checked here; the models check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """One place of the settings.

    Args:
        schema: its JSON Schema.
        definitions: what `$ref` in it points to.
    """

    schema: Schema
    definitions: Mapping[str, Schema]

    @property
    def kind(self) -> Literal["table", "list", "text", "other"]:
        """What stands here; `other` is a number or a truth value."""
        match self.schema.get("type"):
            case "object":
                return "table"
            case "array":
                return "list"
            case "string":
                return "text"
            case _:
                return "other"

    @property
    def names(self) -> tuple[str, ...]:
        """The settings of a table, in the order of its model."""
        return tuple(self.schema.get("properties", ()))

    @property
    def secret(self) -> bool:
        """Whether the value must not be shown."""
        return bool(self.schema.get("writeOnly"))

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts that may stand here, when they are a closed list."""
        return tuple(self.schema.get("enum", ()))

    @property
    def example(self) -> object:
        """A value as it might be written here, None where there is no example."""
        return next(iter(self.schema.get("examples", ())), None)

    def at(self, place: tuple[str | int, ...]) -> Shape | None:
        """The shape below this one at `place`, None where nothing can stand."""
        shape: Shape | None = self
        for part in place:
            shape = shape and shape.child(part)
        return shape

    def child(self, part: str | int) -> Shape | None:
        """The shape of one setting of a table, or of a list's elements."""
        match part:
            case int():
                below = self.schema.get("items")
            case str() if self.names:
                below = self.schema["properties"].get(part)
            case str():  # a table whose names are free, with one shape for all
                below = next(iter(self.schema.get("patternProperties", {}).values()), None)
        return None if below is None else Shape(self._resolved(below), self.definitions)

    def _resolved(self, schema: Schema) -> Schema:
        """Follow a reference, and take the one alternative of a setting that may be absent."""
        if "anyOf" in schema:
            first = next(choice for choice in schema["anyOf"] if choice.get("type") != "null")
            schema = {**{name: fact for name, fact in schema.items() if name != "anyOf"}, **first}
        if "$ref" in schema:
            return {**self.definitions[schema["$ref"].rpartition("/")[2]], **schema}
        return schema
