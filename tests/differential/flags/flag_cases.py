"""Draws flags, and the contexts to ask them for: every operator, every type of operand, and what a careful author would never write."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

_words = str.split

KEYS = ("f", "größe-", "a.b.", "x" * 30, "日本", "k" * 100)
NUMBERS = (
    *(0, 1, 2, 3, 5, 10, 50, 100, -1, -2, 0, 1, 10, 42, 1000, 1700000000, 2**31 - 1, 2**31, -(2**31), 2**53 - 1),
    *(0.0, -0.0, 1.0, 10.0, 0.5, 1.5, -2.5, 0.1, 99.99, 1 / 3, 1e15, 1e16, 123456789.123, 1e21, 1e-7, 1e308, -1e308, 5e-324),
    *(2.0**53, 2.0**63, -(2.0**63), 2.0**64, 1e19, 65504.0, 65505.0, 3.4028234663852886e38, 1.5e300),
)
LARGE = (2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 2**70, 10**30, 10**400)
"""Whole numbers that not every language keeps."""
TEXTS = (
    *_words("a b on off true false null user-1 ann@example.com @example.com ann Ann abc length a.b . a,b 1.2.3 1,2"),
    *_words("é ß 日本 😀 ejOoVL bY9fO- 0 1 -0 10 1.0 01 1e3 0x10 inf -Infinity Infinity nan 1_000 ١ +5 .5 1."),
    *("", " 1 ", "\t7\n", "e\u0301", "\x00", "[object Object]", "x" * 23, "x" * 24, "é" * 12, "y" * 255, "y" * 256),
)
VERSIONS = (
    *_words("1.2.3 v1.2.3 V1.2.3 1 1.2 v2 2.0.0 2.0.0-rc.1 2.0.0-rc.2 2.0.0-rc.10 2.0.0-alpha 2.0.0+build 1.2.4 2.0 v vv1.2.3"),
    *_words("1.2.3- 1.2.3+ 01.2.3 1.2.3.4 a.b.c -1.2.3 1.-2.3 1-rc.1 1.2-rc 1+b 1.0.0-0 1.0.0-01 1.0.0-- 1.0.0-a+b.c .. 1..2 1.2."),
    *("", " 1.2.3", "1.2.3 ", "1.2.3\n", "99999999999999999999.0.0", "١.2.3", "1.2.3-é", 1, 1.2, 2, 1.0, -1, 1e21, True, None),
)
NEAR_VERSIONS = tuple(
    _words("2.0.0 2.0.0-rc.1 2.0.0-rc.2 2.0.0-rc.10 2.0.0-rc 2.0.0-2 2.0.0-10 2.0.0-a 2.0.0-A 2.0.0+a 2.1.0 v2.0 2.0.10 2.0.9 2.0.1٢")
)
"""So near one another that every part of them decides."""
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "^", "~", "==", "", "=>", None, 1)
PATHS = (
    *_words("email n m t list numbers obj flag none version plan missing cohort"),
    *_words("email n t list obj.a obj.list.1 obj.b.c list.0 list.length list.9 list.-1 list.01 t.0 t.length"),
    *_words("targetingKey targetingKey $flagd.flagKey $flagd.timestamp $flagd.missing $flagd . obj. .obj 1 a.b n.x none.x obj.a.b.c größe"),
    *_words("$ref $flagd.timestamp.x $flagd.flagKey.0 $flagd.flagKey.length obj.list.length"),
    "",
)
WEIGHTS = (0, 1, 3, -1, -50, 2**30, 2**31 - 2, 2**31 - 1, 2**31, 50.0)
BUCKETED = (
    *(0.0, -0.0, 1.0, 10.0, 1e19, 2.0**63, 2.0**64, -(2.0**63), -1.5e19, 0.5, 1.1, 65504.0, 65505.5, 1e300, 5e-324, 7, -7, True, False),
    *("x" * 23, "x" * 24, "é" * 12, "x" * 255, "é" * 127 + "x", "x" * 256, "x" * 65535, "x" * 65536),
    *({"b": 1, "aa": [2.0, None], "a": {"x": -0.0, "y": 1e19}}, {"é": 1, "z": 2, "": 3}),
)
"""What is hard to hash the same in every language."""
ODD_PATHS = (None, 0, 1, 1.0, 1.5, -1, True, False, [], ["email"], ["a", "b"], {}, {"a": 1, "b": 2}, 1e308, 2**70, "0", "true")
VARIANTS = ("on", "off", "red", "true", "false", "1", "blue", "")
BINARY = ("==", "===", "!=", "!==", "<", "<=", ">", ">=", "-", "/", "%", "in", "starts_with", "ends_with")
VARIADIC = ("+", "*", "min", "max", "cat", "merge", "missing", "and", "or", "if", "?:")
OVER_LISTS = ("map", "filter", "all", "some", "none")
EVERY_OPERATION = (*BINARY, *VARIADIC, *OVER_LISTS, *_words("! !! reduce var missing_some substr fractional sem_ver log"))
"""What flagd's format knows, besides `$ref`."""
UNKNOWN = ("unknown", "a.b", "", "Var", "$ref", "fractionalEvaluation", "regex")


@dataclass(frozen=True, slots=True)
class Case:
    """One flag, and the contexts to ask it for."""

    key: str
    document: dict[str, Any]
    """A whole document of flagd's format."""
    time: int
    contexts: tuple[dict[str, Any], ...]
    """Each with "targetingKey" (None for nobody) and "attributes"."""

    @property
    def flag(self) -> dict[str, Any]:
        """The flag's own object."""
        return self.document["flags"][self.key]

    @property
    def rule(self) -> Any:
        """The targeting rule; None when there is none."""
        return self.flag.get("targeting")

    def request(self) -> dict[str, Any]:
        """As the oracle wants it."""
        return {"key": self.key, "document": self.document, "time": self.time, "contexts": self.contexts}


class CaseMaker:
    """An endless source of cases; the same seed gives the same cases."""

    def __init__(self, seed: int) -> None:
        """Begin with `seed`."""
        self._random = Random(seed)
        self._made = 0
        self._makers = (
            *(
                self._var,
                self._var,
                self._var,
                self._compare,
                self._compare,
                self._binary,
                self._binary,
                self._variadic,
                self._if,
                self._if,
            ),
            *(
                self._fractional,
                self._fractional,
                self._fractional,
                self._sem_ver,
                self._sem_ver,
                self._over_list,
                self._over_list,
                self._reduce,
            ),
            *(self._substr, self._not, self._missing, self._affix, self._arithmetic, self._in, self._anything),
        )

    def case(self, contexts: int) -> Case:
        """A flag with that many contexts; no two have one key."""
        self._made += 1
        key = f"{self._one(KEYS)}{self._made}" if self._chance(0.3) else f"flag-{self._made}"
        document = {"flags": {key: self._flag()}}
        if self._chance(0.08):
            document["$evaluators"] = self._evaluators(document["flags"][key])
        if self._chance(0.1):
            document["metadata"] = {"flagSetId": "set", "version": 2}
        time = 1700000000 + int(self._random.random() * 1e6)
        return Case(key, document, time, tuple(self._context() for _ in range(contexts)))

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _one(self, choices: tuple[Any, ...]) -> Any:
        return choices[int(self._random.random() * len(choices))]

    def _count(self, least: int, most: int) -> int:
        return least + int(self._random.random() * (most - least + 1))

    def _context(self) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            "email": self._one(TEXTS),
            "n": self._one(LARGE) if self._chance(0.05) else self._one(NUMBERS),
            "m": self._one(NUMBERS),
            "t": self._one(TEXTS),
            "list": self._list(1),
            "numbers": [self._one(NUMBERS) for _ in range(self._count(0, 4))],
            "obj": {"a": self._json(1), "b": {"c": self._scalar()}, "list": self._list(1)},
            "flag": self._chance(0.5),
            "none": None,
            "version": self._one(NEAR_VERSIONS) if self._chance(0.5) else self._one(VERSIONS),
            "cohort": self._one(("a", "b", "beta", 1)),
        }
        for name in ("email", "n", "list", "obj", "version"):
            if self._chance(0.1):
                del attributes[name]
        if self._chance(0.05):
            attributes[self._one(("", "1", "a.b", "größe", "$ref", "plan", "$flagd"))] = self._json(1)
        who = f"user-{self._count(1, 10**6)}" if self._chance(0.75) else self._one(TEXTS)
        return {"targetingKey": None if self._chance(0.08) else who or None, "attributes": attributes}

    def _scalar(self) -> Any:
        drawn = self._random.random()
        if drawn < 0.45:
            return self._one(TEXTS) if drawn > 0.0002 else "\ud800"
        if drawn < 0.85:
            return self._one(NUMBERS)
        return self._one((True, False, None)) if drawn < 0.9995 else self._one(LARGE)

    def _list(self, depth: int) -> list[Any]:
        return [self._json(depth - 1) for _ in range(self._count(0, 4))]

    def _json(self, depth: int) -> Any:
        drawn = self._random.random()
        if depth <= 0 or drawn < 0.75:
            return self._scalar()
        if drawn < 0.9:
            return self._list(depth)
        return {self._one(("a", "b", "list", "length", "0")): self._json(depth - 1) for _ in range(self._count(0, 3))}

    # --- rules ---

    def _rule(self, depth: int) -> Any:
        """A rule or a literal."""
        if depth <= 0 or self._chance(0.12):
            return self._var(0) if self._chance(0.5) else self._literal()
        return self._one(self._makers)(depth - 1)

    def _rules(self, least: int, most: int, depth: int) -> list[Any]:
        return [self._rule(depth) for _ in range(self._count(least, most))]

    def _literal(self) -> Any:
        drawn = self._random.random()
        if drawn < 0.85:
            return self._scalar()
        if drawn < 0.95:
            return [self._scalar() for _ in range(self._count(0, 3))]
        return self._one(({}, {"a": 1, "b": 2}, {"var": "n", "if": 1}, [[]], [{}]))

    def _var(self, depth: int) -> Any:
        drawn = self._random.random()
        path = self._one(PATHS)
        if drawn < 0.75:
            return {"var": path}
        if drawn < 0.85:
            return {"var": [path, self._rule(depth)]}
        if drawn < 0.94:
            return {"var": self._one(ODD_PATHS)}
        if drawn < 0.97:
            return {"var": [self._rule(depth), self._scalar()]}
        return {"var": self._rules(0, 3 if self._chance(0.1) else 2, depth)}

    def _compare(self, depth: int) -> Any:
        name = self._one(("==", "===", "!=", "!==", "<", "<=", ">", ">="))
        if self._chance(0.5):
            left = self._var(0)
            return {name: [left, self._scalar()] if self._chance(0.8) else [self._scalar(), left]}
        if self._chance(0.15):
            twice = self._rule(depth)
            return {name: [twice, deepcopy(twice)]}
        return {name: self._rules(2, 3 if self._chance(0.3) else 2, depth)}

    def _binary(self, depth: int) -> Any:
        return {self._one(BINARY): self._arguments(2, depth)}

    def _variadic(self, depth: int) -> Any:
        return {self._one(VARIADIC): self._rules(0, 4, depth) if self._chance(0.9) else self._rule(depth)}

    def _arguments(self, wanted: int, depth: int) -> Any:
        drawn = self._random.random()
        if drawn < 0.88:
            return self._rules(wanted, wanted, depth)
        if drawn < 0.96:
            return self._rules(0, wanted + 2, depth)
        return self._rule(depth)

    def _if(self, depth: int) -> Any:
        branches: list[Any] = []
        for _ in range(self._count(0, 2) or 1):
            branches += [self._rule(depth), self._outcome(depth)]
        if self._chance(0.8):
            branches.append(self._outcome(depth))
        return {"if": branches if self._chance(0.97) else self._rule(depth)}

    def _outcome(self, depth: int) -> Any:
        return self._one(VARIANTS) if self._chance(0.6) else self._rule(depth)

    def _fractional(self, depth: int) -> Any:
        arms: list[Any] = []
        if self._chance(0.5):
            arms.append(self._bucket_by(depth))
        arms += [self._arm(depth) for _ in range(self._count(1, 4) if self._chance(0.97) else 0)]
        return {"fractional": arms if self._chance(0.98) else self._rule(depth)}

    def _bucket_by(self, depth: int) -> Any:
        drawn = self._random.random()
        if drawn < 0.3:
            return {"var": self._one(("email", "n", "t", "list", "obj", "flag", "none", "numbers", "targetingKey"))}
        if drawn < 0.6:
            return {"cat": [{"var": "$flagd.flagKey"}, {"var": self._one(("email", "targetingKey", "n"))}]}
        if drawn < 0.75:
            return self._one(BUCKETED) if self._chance(0.7) else self._scalar()
        return self._rule(depth)

    def _arm(self, depth: int) -> Any:
        drawn = self._random.random()
        if drawn < 0.6:
            return [self._one(VARIANTS), self._count(0, 100)]
        if drawn < 0.7:
            return [self._one(VARIANTS)]
        if drawn < 0.86:
            return [self._outcome(depth), self._weight(depth)]
        if drawn < 0.95:
            return [self._one(VARIANTS), self._one(WEIGHTS) if self._chance(0.8) else self._one(NUMBERS)]
        return self._one(
            ([], [[]], "on", ["on", 1, 2], ["on", None], [None, 1], ["on", "1"], ["on", True], 5, None, {}, ["on", [1]], [1, 1])
        )

    def _weight(self, depth: int) -> Any:
        drawn = self._random.random()
        if drawn < 0.4:
            times = [{"var": "$flagd.timestamp"}, self._count(1700000000, 1701000000)]
            return {"-": times if self._chance(0.5) else times[::-1]}
        if drawn < 0.6:
            return {self._one(("+", "*", "-", "/", "%")): [{"var": "n"}, self._one((1, 2, 10, 1.0))]}
        return {"var": "n"} if drawn < 0.8 else self._rule(depth)

    def _sem_ver(self, depth: int) -> Any:
        versions = NEAR_VERSIONS if self._chance(0.5) else VERSIONS
        left = {"var": "version"} if self._chance(0.6) else self._one(versions)
        arguments = [left, self._one(COMPARISONS[:8]) if self._chance(0.9) else self._one(COMPARISONS), self._one(versions)]
        if self._chance(0.1):
            arguments[self._count(0, 2)] = self._rule(depth)
        return {"sem_ver": arguments if self._chance(0.95) else arguments[: self._count(0, 2)] + self._rules(0, 2, depth)}

    def _over_list(self, depth: int) -> Any:
        return {self._one(OVER_LISTS): [self._items(depth), self._rule(depth)] if self._chance(0.93) else self._arguments(2, depth)}

    def _items(self, depth: int) -> Any:
        drawn = self._random.random()
        if drawn < 0.4:
            return {"var": self._one(("list", "numbers", "obj.list", "none", "t"))}
        return [self._rule(depth) for _ in range(self._count(0, 4))] if drawn < 0.8 else self._rule(depth)

    def _reduce(self, depth: int) -> Any:
        current, sofar = {"var": "current"}, {"var": "accumulator"}
        body = {self._one(("+", "*", "cat", "max", "merge", "and", "-")): [current, sofar]} if self._chance(0.7) else self._rule(depth)
        return {"reduce": [self._items(depth), body, self._scalar()] if self._chance(0.93) else self._arguments(3, depth)}

    def _substr(self, depth: int) -> Any:
        place = [self._one((0, 1, -1, -2, -3, -4, -5, 2, 3, -100, 100, 1.5, -3.5, "1", "x", None, 1e308)) for _ in range(self._count(0, 2))]
        text = self._one(TEXTS) if self._chance(0.4) else self._rule(depth)
        return {"substr": [text, *place]}

    def _not(self, depth: int) -> Any:
        return {self._one(("!", "!!")): [self._rule(depth)] if self._chance(0.7) else self._arguments(1, depth)}

    def _missing(self, depth: int) -> Any:
        names = [self._one(PATHS) for _ in range(self._count(0, 3))]
        if self._chance(0.5):
            return {"missing": self._one((names, [names], self._one(ODD_PATHS), self._rule(depth)))}
        return {"missing_some": [self._one((0, 1, 2, "1", 1.5, None, "x")), names] if self._chance(0.9) else self._arguments(2, depth)}

    def _affix(self, depth: int) -> Any:
        subject = {"var": self._one(("email", "t", "targetingKey", "n"))}
        return {self._one(("starts_with", "ends_with")): [subject, self._one(TEXTS)] if self._chance(0.9) else self._arguments(2, depth)}

    def _arithmetic(self, depth: int) -> Any:
        operands = [self._one(NUMBERS) if self._chance(0.5) else self._rule(depth) for _ in range(2)]
        return {self._one(("+", "-", "*", "/", "%", "min", "max")): operands}

    def _in(self, depth: int) -> Any:
        needle = self._var(0) if self._chance(0.7) else self._rule(depth)
        among: Any = [self._scalar() for _ in range(self._count(0, 5))]
        return {"in": [needle, among if self._chance(0.6) else self._one((self._one(TEXTS), self._rule(depth)))]}

    def _anything(self, depth: int) -> Any:
        if self._chance(0.03):
            return {self._one(UNKNOWN): self._rule(depth)}
        if self._chance(0.02):
            return self._deep(self._one((20, 60, 200)))
        return {self._one(EVERY_OPERATION): self._rules(0, 4, depth)}

    def _deep(self, depth: int) -> Any:
        rule: Any = {"var": "flag"}
        name = self._one(("!", "+", "if", "cat", "and"))
        for _ in range(depth):
            rule = {name: [rule]}
        return rule

    # --- flags ---

    def _flag(self) -> dict[str, Any]:
        if self._chance(0.95):
            flag = {"state": "ENABLED", "variants": self._variants(), "defaultVariant": self._default()}
            flag["targeting"] = {"if": [self._rule(3), *(self._outcome(3) for _ in range(2))]} if self._chance(0.3) else self._top()
        else:
            flag = {"state": self._one(("ENABLED", "DISABLED", "DISABLED")), "variants": self._variants()}
            if self._chance(0.7):
                flag["defaultVariant"] = self._default()
            if self._chance(0.7):
                flag["targeting"] = self._one(({}, None, self._rule(2), {}, [], "on", 1))
        if self._chance(0.05):
            flag["metadata"] = {"owner": "ann", "version": self._one((1, 1.5, True, "x"))}
        return flag

    def _top(self) -> Any:
        rule = self._one(self._makers)(self._count(1, 4))
        return rule if isinstance(rule, dict) else {"if": [rule]}

    def _variants(self) -> dict[str, Any]:
        values = self._one(
            (
                *(
                    (True, False, False, True, False, False, True),
                    ("a", "b", "", "d", "e", "f", "g"),
                    (1, 10.0, -0.0, 2**53 - 1, 1e308, 3, 4),
                ),
                *(({}, {"a": [1]}, {"b": None}, {}, {}, {}, {}), ([], [1], [[]], [], [], [], [])),
            )
        )
        names = VARIANTS[:7] if self._chance(0.8) else VARIANTS[: self._count(1, 5)]
        return dict(zip(names, values, strict=False))

    def _default(self) -> Any:
        drawn = self._random.random()
        if drawn < 0.8:
            return self._one(("on", "off", "on"))
        return None if drawn < 0.99 else self._one(("", "missing", True, False, "true", 1, []))

    def _evaluators(self, flag: dict[str, Any]) -> dict[str, Any]:
        names = ("staff", "beta", "a.b(c)")
        name = self._one(names)
        flag["targeting"] = {"if": [{"$ref": name if self._chance(0.97) else "other"}, self._outcome(1), flag.get("targeting")]}
        return {name: self._rule(2), self._one(names): self._rule(2)}
