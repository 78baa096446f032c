"""How our panels are made: one look, one data source, one way to name series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import common as looks
from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
OWN = 'job=~"$job", instance=~"$instance"'
"""Matchers of the servers that were chosen above the dashboard."""
SERVICE = 'job=~"$job"'
"""Matchers of what rules have recorded for a service as a whole."""


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of a panel."""

    expr: str
    legend: str
    unit: str = ""
    """Where it differs from the panel's: it gets an axis of its own on the right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What every panel has."""

    number: int
    title: str
    description: str
    unit: str
    width: int
    height: int = 8


Panel = stat.Panel | timeseries.Panel | statetimeline.Panel | table.Panel
_P = TypeVar("_P", bound=Panel)


def single(face: Face, query: Query, *, steps: Mapping[float, str], start: str, words: Mapping[int, str] | None = None) -> stat.Panel:
    """A large number or word, coloured from `start` by the `steps` it has passed."""
    panel = stat.Panel().color_mode(common.BigValueColorMode.BACKGROUND).graph_mode(common.BigValueGraphMode.AREA)
    if words is not None:
        panel.mappings([_words(words)])
    panel.thresholds(_steps(start, steps)).reduce_options(looks.ReduceDataOptions().calcs(["lastNotNull"]))
    return _dressed(panel, face, (query,))


def lines(face: Face, *queries: Query, limits: Mapping[float, str] | None = None, stacked: bool = False) -> timeseries.Panel:
    """Lines over time; `limits` are drawn across."""
    panel = timeseries.Panel().min(0).fill_opacity(60 if stacked else 8).legend(_legend()).tooltip(_tooltip())
    if stacked:
        panel.stacking(looks.StackingConfig().mode(common.StackingMode.NORMAL))
    if limits:
        panel.thresholds(_steps("transparent", limits))
        panel.thresholds_style(looks.GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.LINE))
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        if query.unit:
            right = dashboard.DynamicConfigValue(id_val="custom.axisPlacement", value=common.AxisPlacement.RIGHT)
            panel.override_by_query(letter, [dashboard.DynamicConfigValue(id_val="unit", value=query.unit), right])
    return _dressed(panel, face, queries)


def states(face: Face, query: Query, *, words: Mapping[int, str], colours: Mapping[float, str], start: str) -> statetimeline.Panel:
    """Which state each series was in, over time."""
    panel = statetimeline.Panel().mappings([_words(words)]).thresholds(_steps(start, colours)).legend(_legend()).row_height(0.8)
    return _dressed(panel, face, (query,))


def rows(face: Face, *queries: Query, columns: Mapping[str, str], hidden: tuple[str, ...], units: Mapping[str, str]) -> table.Panel:
    """A row for each instance; `columns` gives fields their headings."""
    panel = table.Panel().show_header(show_header=True)
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="joinByField", options={"byField": "instance", "mode": "outer"}))
    kept = {"excludeByName": dict.fromkeys(hidden, True), "renameByName": dict(columns)}
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=kept))
    for name, unit in units.items():
        panel.override_by_name(name, [dashboard.DynamicConfigValue(id_val="unit", value=unit)])
    return _dressed(panel, face, queries, as_table=True)


def variables() -> list[boards.DatasourceVariable | boards.QueryVariable]:
    """What is chosen above a dashboard: the data source, the service, the server processes."""
    return [
        boards.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _choice("job", "Job", "label_values(genesis_build_info, job)"),
        _choice("instance", "Instance", 'label_values(genesis_build_info{job=~"$job"}, instance)'),
    ]


def _choice(name: str, label: str, query: str) -> boards.QueryVariable:
    variable = boards.QueryVariable(name).label(label).query(query).datasource(SOURCE)
    variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    variable.current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    return variable.multi(multi=True).include_all(include_all=True).all_value(".+")


def _dressed(panel: _P, face: Face, queries: tuple[Query, ...], *, as_table: bool = False) -> _P:
    panel.id(face.number).title(face.title).description(face.description).unit(face.unit).datasource(SOURCE)
    panel.span(face.width).height(face.height)
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        target = prometheus.Dataquery().ref_id(letter).expr(query.expr).legend_format(query.legend).datasource(SOURCE)
        panel.with_target(target.instant().format(PromQueryFormat.TABLE) if as_table else target.range())
    return panel


def _words(words: Mapping[int, str]) -> dashboard.ValueMap:
    return dashboard.ValueMap({str(value): dashboard.ValueMappingResult(text=text, index=value) for value, text in words.items()})


def _steps(start: str, steps: Mapping[float, str]) -> boards.ThresholdsConfig:
    marks = [
        dashboard.Threshold(value=None, color=start),
        *[dashboard.Threshold(value=value, color=colour) for value, colour in steps.items()],
    ]
    return boards.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(marks)


def _legend() -> looks.VizLegendOptions:
    return (
        looks.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )


def _tooltip() -> looks.VizTooltipOptions:
    return looks.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
