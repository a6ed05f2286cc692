"""Grafana's dashboard JSON from a few words: rows of panels, each panel some PromQL."""

import dataclasses

SCHEMA_VERSION = 39
COLUMNS = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclasses.dataclass(frozen=True)
class Panel:
    """`queries` is legend -> PromQL; `$__rate_interval` is Grafana's. `kind` is a Grafana panel type."""

    title: str
    unit: str
    queries: dict[str, str]
    description: str
    kind: str = "timeseries"


@dataclasses.dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclasses.dataclass(frozen=True)
class Dashboard:
    """`constants` are numbers that the reader may change: name -> (label, default)."""

    uid: str
    title: str
    rows: tuple[Row, ...]
    constants: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)


def _targets(panel):
    return [{"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend, "datasource": DATASOURCE,
             "instant": panel.kind == "stat"} for index, (legend, query) in enumerate(panel.queries.items())]


def _panel(panel, identity, x, y, width, height):
    return {"id": identity, "type": panel.kind, "title": panel.title, "description": panel.description, "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": width, "h": height}, "targets": _targets(panel),
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom"}} if panel.kind == "timeseries" else {}}


def _variables(dashboard):
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    constants = [{"name": name, "type": "textbox", "label": label, "query": default, "current": {"text": default, "value": default}}
                 for name, (label, default) in dashboard.constants.items()]
    return [source, *constants]


def to_json(dashboard):
    """The dashboard as Grafana imports it."""
    panels, y = [], 0
    for row in dashboard.rows:
        panels.append({"id": len(panels) + 1, "type": "row", "title": row.title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})
        y += 1
        width = COLUMNS // len(row.panels)
        height = 4 if all(panel.kind == "stat" for panel in row.panels) else 8
        for index, panel in enumerate(row.panels):
            panels.append(_panel(panel, len(panels) + 1, index * width, y, width, height))
        y += height
    return {"uid": dashboard.uid, "title": dashboard.title, "tags": ["baleen"], "schemaVersion": SCHEMA_VERSION, "editable": True,
            "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "timezone": "browser", "templating": {"list": _variables(dashboard)},
            "panels": panels}
