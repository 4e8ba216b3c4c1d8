# Django has no types of its own. Everything in it is of the type Any for the type checker, except for enumerations, because a class whose base is Any has
# members of the wrong type.
import enum
from typing import Any, List, Tuple

class Choices(enum.Enum):
    def __init__(self, *arguments: Any) -> None: ...
    @property
    def label(self) -> str: ...
    choices: List[Tuple[Any, str]]
    labels: List[str]
    values: List[Any]

class TextChoices(str, Choices): ...
class IntegerChoices(int, Choices): ...

def __getattr__(name: str) -> Any: ...
