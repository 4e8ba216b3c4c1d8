#!/usr/bin/env python3
"""Evaluates a compiled ARM template without Azure, so that tests and pictures see what it would deploy.

    python3 tools/arm.py artifacts/deployment/azure.json [NAME=VALUE …]     lists the resources that the template makes with these parameters

Functions that ask Azure answer with a text that says what was asked: the id of a resource is its real path with a subscription of zeros, and a property that
only Azure knows reads `<id|property.path>`. A function or construct that the evaluator does not know is an error, never a guess.
"""
import json
import re
import sys
from pathlib import Path

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-test"
DEPLOYER = {"objectId": "deployer-id", "tenantId": "tenant-id", "userPrincipalName": "somebody@example.com"}

TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+)|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>[()\[\],.]))")


class Refused(Exception):
    """The template's own fail() was reached."""


class Runtime(str):
    """A value that only Azure knows; its properties are unknown too."""

    def at(self, key) -> "Runtime":
        separator = "." if "|" in self else "|"
        return Runtime(f"{self[:-1]}{separator}{key}>")


def parse(text: str):
    """Returns the syntax tree of an expression: ('call', name, arguments), ('at', tree, key tree) or ('value', value)."""
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"can't read {text[position:position + 40]!r}")
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    tokens.append(("end", ""))
    place = 0

    def take(value=None):
        nonlocal place
        kind, found = tokens[place]
        if value is not None and found != value:
            raise ValueError(f"expected {value!r}, found {found!r} in {text!r}")
        place += 1
        return kind, found

    def expression():
        kind, found = take()
        if kind == "text":
            tree = ("value", found[1:-1].replace("''", "'"))
        elif kind == "number":
            tree = ("value", int(found))
        else:
            take("(")
            arguments = []
            while tokens[place][1] != ")":
                arguments.append(expression())
                if tokens[place][1] == ",":
                    take(",")
            take(")")
            tree = ("call", found.lower(), arguments)
        while tokens[place][1] in (".", "["):
            if take()[1] == ".":
                tree = ("at", tree, ("value", take()[1]))
            else:
                tree = ("at", tree, expression())
                take("]")
        return tree

    tree = expression()
    if tokens[place][0] != "end":
        raise ValueError(f"{text!r} goes on after its end")
    return tree


class Scope:
    """Evaluates the expressions of one template: the main one, or a module's."""

    def __init__(self, template: dict, parameters: dict, group: bool):
        self.template = template
        self.group = group
        self.given = parameters
        self.found: dict = {}
        self.modules: dict[str, dict] = {}  # outputs, by the symbol of the module
        self.lambdas: list[dict] = []
        self.indices: list[dict] = []
        unknown = set(parameters) - set(template.get("parameters", {}))
        if unknown:
            raise ValueError(f"no such parameter: {', '.join(sorted(unknown))}")

    def parameter(self, name: str):
        if ("p", name) not in self.found:
            definition = self.template["parameters"][name]
            value = self.given[name] if name in self.given else self.value(definition["defaultValue"])
            allowed = definition.get("allowedValues")
            if allowed is not None and value not in allowed:
                raise ValueError(f"{name}: {value!r} is not one of {allowed}")
            self.found["p", name] = value
        return self.found["p", name]

    def variable(self, name: str):
        if ("v", name) not in self.found:
            variables = self.template["variables"]
            if name in variables:
                self.found["v", name] = self.value(variables[name])
            else:
                copy = next(copy for copy in variables["copy"] if copy["name"] == name)
                self.found["v", name] = self.repeat(copy, lambda: self.value(copy["input"]))
        return self.found["v", name]

    def repeat(self, copy: dict, body) -> list:
        results = []
        for index in range(self.value(copy["count"])):
            self.indices.append({copy["name"]: index, "": index})
            results.append(body())
            self.indices.pop()
        return results

    def value(self, node):
        if isinstance(node, str):
            if node.startswith("[[") or not (node.startswith("[") and node.endswith("]")):
                return node[1:] if node.startswith("[[") else node
            return self.run(parse(node[1:-1]))
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if isinstance(node, dict):
            result = {key: self.value(item) for key, item in node.items() if key != "copy"}
            for copy in node.get("copy", []) if isinstance(node.get("copy"), list) else []:
                result[copy["name"]] = self.repeat(copy, lambda copy=copy: self.value(copy["input"]))
            return result
        return node

    def run(self, tree):
        if tree[0] == "value":
            return tree[1]
        if tree[0] == "at":
            target, key = self.run(tree[1]), self.run(tree[2])
            if isinstance(target, Runtime):
                return target.at(key)
            if isinstance(target, dict):
                found = next((name for name in target if name.lower() == str(key).lower()), None)
                if found is None:
                    raise KeyError(f"{key} is none of {', '.join(target)}")
                return target[found]
            return target[key]
        name, arguments = tree[1], tree[2]
        lazy = getattr(self, f"lazy_{name}", None)
        if lazy is not None:
            return lazy(arguments)
        function = getattr(self, f"do_{name}", None)
        if function is None:
            raise NotImplementedError(f"the function {name}")
        return function(*[self.run(argument) for argument in arguments])

    # What must not evaluate all of its arguments.

    def lazy_if(self, arguments):
        return self.run(arguments[1] if self.run(arguments[0]) else arguments[2])

    def lazy_and(self, arguments):
        return all(self.run(argument) for argument in arguments)

    def lazy_or(self, arguments):
        return any(self.run(argument) for argument in arguments)

    def lazy_lambda(self, arguments):
        names = [self.run(argument) for argument in arguments[:-1]]

        def call(*values):
            self.lambdas.append(dict(zip(names, values)))
            try:
                return self.run(arguments[-1])
            finally:
                self.lambdas.pop()
        return call

    def do_lambdavariables(self, name):
        return next(values[name] for values in reversed(self.lambdas) if name in values)

    def do_parameters(self, name):
        return self.parameter(name)

    def do_variables(self, name):
        return self.variable(name)

    def do_copyindex(self, name=""):
        return next(values[name] for values in reversed(self.indices) if name in values)

    def do_fail(self, message):
        raise Refused(message)

    # What Azure would answer.

    def do_subscription(self):
        return {"id": SUBSCRIPTION, "subscriptionId": SUBSCRIPTION.split("/")[-1]}

    def do_resourcegroup(self):
        return {"id": GROUP, "name": GROUP.split("/")[-1]}

    def do_tenant(self):
        return {"tenantId": "tenant-id"}

    def do_deployer(self):
        return DEPLOYER

    def do_environment(self):
        return {"suffixes": {"storage": "core.windows.net", "sqlServerHostname": ".database.windows.net"}}

    def do_uniquestring(self, *parts):
        return "abcdefghijklm"

    def do_newguid(self):
        return "00000000-0000-0000-0000-newguid00000"

    def do_guid(self, *parts):
        return f"guid({','.join(map(str, parts))})"

    def do_resourceid(self, *parts):
        parts = [part for part in parts if part not in (GROUP.split("/")[-1], SUBSCRIPTION.split("/")[-1])]
        return identity(GROUP, *parts)

    def do_subscriptionresourceid(self, *parts):
        return identity(SUBSCRIPTION, *parts)

    def do_extensionresourceid(self, scope, *parts):
        return identity(scope, *parts)

    def lazy_reference(self, arguments):
        target = self.run(arguments[0])
        if target in self.modules:
            return {"outputs": self.modules[target]}
        definition = self.template["resources"].get(target) if isinstance(self.template["resources"], dict) else None
        if definition is not None:
            target = self.id_of(definition)
        return Runtime(f"<{target}>")

    # What is the same everywhere.

    def do_empty(self, value):
        return value is None or (not isinstance(value, (int, bool)) and len(value) == 0)

    def do_not(self, value):
        return not value

    def do_equals(self, left, right):
        return left == right

    def do_less(self, left, right):
        return left < right

    def do_lessorequals(self, left, right):
        return left <= right

    def do_greater(self, left, right):
        return left > right

    def do_contains(self, container, item):
        return item in container

    def do_tryget(self, container, key):
        return next((container[name] for name in container if name.lower() == key.lower()), None)

    def do_coalesce(self, *values):
        return next((value for value in values if value is not None), None)

    def do_true(self):
        return True

    def do_false(self):
        return False

    def do_null(self):
        return None

    def do_format(self, text, *values):
        return re.sub(r"\{(\d+)\}", lambda match: str(values[int(match.group(1))]), text).replace("{{", "{").replace("}}", "}")

    def do_concat(self, *values):
        if isinstance(values[0], list):
            return [item for value in values for item in value]
        return "".join(map(str, values))

    def do_tolower(self, value):
        return value.lower()

    def do_string(self, value):
        return str(value)

    def do_trim(self, value):
        return value.strip()

    def do_split(self, value, separator):
        return value.split(separator)

    def do_replace(self, value, old, new):
        return value.replace(old, new)

    def do_padleft(self, value, width, fill=" "):
        return str(value).rjust(width, fill)

    def do_json(self, value):
        return json.loads(value)

    def do_div(self, left, right):
        return left // right

    def do_mod(self, left, right):
        return left % right

    def do_mul(self, left, right):
        return left * right

    def do_length(self, value):
        return len(value)

    def do_createarray(self, *values):
        return list(values)

    def do_createobject(self, *values):
        return dict(zip(values[::2], values[1::2]))

    def do_items(self, value):
        return [{"key": key, "value": value[key]} for key in sorted(value)]

    def do_map(self, values, function):
        return [function(value) for value in values]

    def do_filter(self, values, function):
        return [value for value in values if function(value)]

    def do_toobject(self, values, key, value=lambda item: item):
        return {key(item): value(item) for item in values}

    def do_union(self, *values):
        if isinstance(values[0], list):
            every = [item for value in values for item in value]
            return [item for index, item in enumerate(every) if item not in every[:index]]
        return {key: item for value in values for key, item in value.items()}

    # Resources.

    def id_of(self, definition: dict) -> str:
        name = self.value(definition["name"])
        if "scope" in definition and definition["type"].startswith(("Microsoft.Authorization/", "Microsoft.Insights/diagnosticSettings")):
            return identity(self.value(definition["scope"]), definition["type"], name)
        return identity(GROUP if self.group else SUBSCRIPTION, definition["type"], *name.split("/"))

    def deploy(self) -> tuple[list[dict], dict]:
        """Returns the resources that the template makes, modules' included, and its outputs."""
        made = []
        for symbol, definition in ordered(self.template["resources"]):
            if definition.get("existing") or ("condition" in definition and not self.value(definition["condition"])):
                continue
            copies = definition["copy"] if "copy" in definition else {"name": "", "count": 1}
            self.repeat(copies, lambda symbol=symbol, definition=definition: made.extend(self.make(symbol, definition)))
        outputs = {name: {"value": self.value(output["value"])} for name, output in self.template.get("outputs", {}).items()}
        return made, outputs

    def make(self, symbol, definition: dict) -> list[dict]:
        plain = {key: item for key, item in definition.items() if key not in ("copy", "condition", "dependsOn")}
        if definition["type"] != "Microsoft.Resources/deployments":
            resource = self.value(plain)
            resource["id"] = self.id_of(definition)
            return [resource]
        properties = definition["properties"]
        parameters = {name: self.value(item)["value"] for name, item in properties["parameters"].items()}
        resources, self.modules[symbol] = Scope(properties["template"], parameters, group=True).deploy()
        return resources


def identity(scope: str, kind: str, *names: str) -> str:
    provider, *types = kind.split("/")
    if kind == "Microsoft.Resources/resourceGroups":
        return GROUP
    return f"{scope}/providers/{provider}" + "".join(f"/{part}/{name}" for part, name in zip(types, names))


def ordered(resources) -> list[tuple]:
    """Returns symbols and definitions, modules after those that they depend on. Only the main template has modules, and it has symbols."""
    if isinstance(resources, list):
        return [(None, definition) for definition in resources]
    result: dict[str, dict] = {}

    def visit(symbol: str) -> None:
        if symbol not in result:
            for other in resources[symbol].get("dependsOn", []):
                if other in resources:
                    visit(other)
            result[symbol] = resources[symbol]

    for symbol in resources:
        visit(symbol)
    return list(result.items())


def deploy(path: Path, **parameters) -> tuple[list[dict], dict]:
    """Returns the resources and outputs of the main template with these parameters beside the two that have no default."""
    given = {"environmentName": "test", "location": "westeurope"} | parameters
    return Scope(json.loads(path.read_text(encoding="utf-8")), given, group=False).deploy()


def main() -> None:
    path, *arguments = sys.argv[1:]
    parameters = {}
    for argument in arguments:
        name, _, value = argument.partition("=")
        parameters[name] = json.loads(value) if value[:1] in "{[0123456789" or value in ("true", "false") else value
    resources, outputs = deploy(Path(path), **parameters)
    for resource in resources:
        print(f"{resource['type']:70} {resource['name']}")
    print(json.dumps({name: output["value"] for name, output in outputs.items()}, indent=2))


if __name__ == "__main__":
    main()
