"""What a catalogue must look like when it comes from a file; the same bounds as protos/genesis/v1/catalogue.proto."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from genesis_server.model.catalogue import (
    DEFAULT_SKILL_SECONDS,
    DEFAULT_SUCCESS_PRIOR,
    DEFAULT_TOOL_SECONDS,
    AgentCard,
    Artefact,
    DataClass,
    Model,
    Skill,
    Tool,
)
from genesis_server.model.money import NANOS_PER_UNIT, Money

MAX_DURATION_SECONDS = 36_600 * 86_400
MAX_UNITS = 9_000_000_000_000_000
AGENT_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$"
DATA_CLASS_NAMES = {
    "public": DataClass.PUBLIC,
    "internal": DataClass.INTERNAL,
    "confidential": DataClass.CONFIDENTIAL,
    "restricted": DataClass.RESTRICTED,
}

_MONEY = re.compile(r"(-?)(\d{1,16})(?:\.(\d{1,9}))?(?: ([A-Z]{3}))?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def parse_money(text: str) -> Money:
    """The amount of `0.25 USD`; without a currency, US dollars. ValueError for anything else."""
    found = _MONEY.fullmatch(text)
    if found is None:
        raise ValueError('must be an amount such as "0.25 USD": up to 16 digits, up to 9 decimals, a currency of three capitals')
    sign, units, decimals, currency = found.groups()
    nanos = int(Decimal(f"{units}.{decimals or '0'}") * NANOS_PER_UNIT)
    if sign and nanos:
        raise ValueError("must not be negative")
    if nanos // NANOS_PER_UNIT > MAX_UNITS:
        raise ValueError(f"must be at most {MAX_UNITS} whole units")
    return Money(nanos, currency or "USD")


def parse_duration(text: str) -> float:
    """The seconds of `90s`, `10m`, `2h` or `250ms`. ValueError for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError('must be a duration such as "90s", "10m", "2h" or "250ms"')
    seconds = float(found.group(1)) * _SECONDS[found.group(2)]
    if seconds > MAX_DURATION_SECONDS:
        raise ValueError("must be at most 36600 days")
    return seconds


def _checked_money(text: str) -> str:
    parse_money(text)
    return text


def _checked_duration(text: str) -> str:
    parse_duration(text)
    return text


MoneyText = Annotated[str, AfterValidator(_checked_money)]
DurationText = Annotated[str, AfterValidator(_checked_duration)]
ShortText = Annotated[str, Field(max_length=200)]
CardText = Annotated[str, Field(max_length=4_000)]
Example = Annotated[str, Field(max_length=2_000)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Entry(BaseModel):
    """A table of the file; it refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ArtefactEntry(Entry):
    """`{ name = "report", type = "document" }`."""

    name: str = Field(min_length=1, max_length=200)
    type: ShortText = ""

    def build(self) -> Artefact:
        """The artefact."""
        return Artefact(self.name, self.type)


Artefacts = Annotated[list[ArtefactEntry], Field(max_length=100)]


class ModelEntry(Entry):
    """`[[agents.models]]`."""

    id: str = Field(min_length=1, max_length=200)
    input_price_per_million_tokens: MoneyText = "0 USD"
    output_price_per_million_tokens: MoneyText = "0 USD"
    success_prior: Probability = 0.0

    def build(self) -> Model:
        """The model; a prior of 0 is unknown, as in the contract."""
        return Model(
            self.id,
            parse_money(self.input_price_per_million_tokens),
            parse_money(self.output_price_per_million_tokens),
            self.success_prior or DEFAULT_SUCCESS_PRIOR,
        )


class SkillEntry(Entry):
    """`[[agents.skills]]`."""

    id: str = Field(min_length=1, max_length=128)
    name: ShortText = ""
    description: CardText = ""
    tags: list[ShortText] = Field(default=[], max_length=100)
    examples: list[Example] = Field(default=[], max_length=200)
    inputs: Artefacts = []
    outputs: Artefacts = []
    expected_duration: DurationText = f"{DEFAULT_SKILL_SECONDS}s"

    def build(self) -> Skill:
        """The skill."""
        return Skill(
            id=self.id,
            name=self.name,
            description=self.description,
            tags=tuple(self.tags),
            examples=tuple(self.examples),
            inputs=tuple(entry.build() for entry in self.inputs),
            outputs=tuple(entry.build() for entry in self.outputs),
            expected_seconds=parse_duration(self.expected_duration),
        )


class AgentEntry(Entry):
    """`[[agents]]`."""

    id: str = Field(pattern=AGENT_ID_PATTERN)
    name: ShortText = ""
    description: CardText = ""
    version: str = Field(default="", max_length=64)
    skills: list[SkillEntry] = Field(min_length=1, max_length=200)
    models: list[ModelEntry] = Field(default=[], max_length=50)
    max_concurrent_tasks: int = Field(default=0, ge=0, le=100_000)
    region: str = Field(default="", max_length=64)
    max_data_class: Literal["public", "internal", "confidential", "restricted"] = "internal"

    def build(self) -> AgentCard:
        """The card; 0 concurrent tasks means 1, as in the contract."""
        return AgentCard(
            id=self.id,
            name=self.name,
            description=self.description,
            version=self.version,
            skills=tuple(entry.build() for entry in self.skills),
            models=tuple(entry.build() for entry in self.models),
            max_concurrent_tasks=self.max_concurrent_tasks or 1,
            region=self.region,
            max_data_class=DATA_CLASS_NAMES[self.max_data_class],
        )


class ToolEntry(Entry):
    """`[[tools]]`."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=8_000)
    examples: list[Example] = Field(default=[], max_length=200)
    inputs: Artefacts = []
    outputs: Artefacts = []
    cost_per_call: MoneyText = "0 USD"
    expected_duration: DurationText = f"{DEFAULT_TOOL_SECONDS}s"

    def build(self) -> Tool:
        """The tool."""
        return Tool(
            name=self.name,
            description=self.description,
            examples=tuple(self.examples),
            inputs=tuple(entry.build() for entry in self.inputs),
            outputs=tuple(entry.build() for entry in self.outputs),
            cost_per_call=parse_money(self.cost_per_call),
            expected_seconds=parse_duration(self.expected_duration),
        )


class EndEntry(Entry):
    """`[end]`, the mark that the file is whole."""


class CatalogueEntry(Entry):
    """Agents and tools."""

    agents: list[AgentEntry] = Field(default=[], max_length=2_000)
    tools: list[ToolEntry] = Field(default=[], max_length=5_000)


class AgentsFile(CatalogueEntry):
    """The whole agents file."""

    end: EndEntry
