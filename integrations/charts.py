"""The chart of an answer as a Vega-Lite drawing of its own rows, and as a picture. It fetches nothing.

Which chart for which result is the answer's (`chart`); how it looks is UX.md, 2 and 6.
"""

from __future__ import annotations

from typing import Any

from answerable.agent.answer import Answer

ACCENT, GREY, SOFT = "#0f4396", "#938f86", "#575b63"
MOST_MARKS, MOST_BARS, MOST_LINES = 2000, 12, 6
WIDTH = 760
CONFIG = {
    "font": "system-ui, sans-serif", "background": "#ffffff", "view": {"stroke": None}, "title": {"anchor": "start", "fontSize": 15},
    "axis": {"labelFontSize": 13, "titleFontSize": 13, "labelColor": SOFT, "titleColor": SOFT, "domain": False, "ticks": False},
    "axisX": {"grid": False}, "legend": {"labelFontSize": 13, "titleFontSize": 13},
}  # fmt: skip


def drawing(answer: Answer) -> dict[str, Any]:
    """The Vega-Lite spec of an answer that has a chart, with its rows inside."""
    chart = answer.chart
    assert chart is not None
    names = [column["name"] for column in answer.columns]
    used = {name: names.index(name) for name in (chart["x"], chart["y"], chart["series"]) if name}
    rows = [{f"c{i}": row[i] for i in used.values()} for row in answer.rows[:MOST_MARKS]]
    x, y = f"c{used[chart['x']]}", f"c{used[chart['y']]}"  # names with dots would be paths
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "config": CONFIG, "width": WIDTH,
        "title": {"text": chart["title"], **({"subtitle": chart["unit"]} if chart.get("unit") else {})},
    }  # fmt: skip
    column = answer.columns[used[chart["x"]]]
    if column["type"] in ("date", "time"):
        series = f"c{used[chart['series']]}" if chart["series"] else None
        return {**spec, "height": 300, **_over_time(chart["mark"], rows, x, y, series)}
    return {**spec, **_bars(rows, x, y)}


def _over_time(mark: str, rows: list[dict[str, Any]], x: str, y: str, series: str | None) -> dict[str, Any]:
    """Lines, or bars of few periods; of many series the largest, the largest of all in the accent."""
    shape: dict[str, Any] = {"type": "line", "strokeWidth": 2.5} if mark == "line" else {"type": "bar"}
    encoding: dict[str, Any] = {
        "x": {"field": x, "type": "temporal" if mark == "line" else "ordinal", "title": None},
        "y": {"field": y, "type": "quantitative", "title": None, "axis": {"tickCount": 4, "format": "~s"}},
    }
    if series is None:
        return {"data": {"values": rows}, "mark": {**shape, "color": ACCENT}, "encoding": encoding}
    sizes: dict[Any, float] = {}
    for row in rows:
        sizes[row[series]] = sizes.get(row[series], 0) + (row[y] or 0)
    kept = sorted(sizes, key=lambda value: -sizes[value])[:MOST_LINES]
    palette = [ACCENT, "#007a6c", "#ac2a88", "#7a6200", GREY, SOFT]
    encoding["color"] = {"field": series, "type": "nominal", "title": None, "scale": {"domain": kept, "range": palette[: len(kept)]}}
    return {"data": {"values": [row for row in rows if row[series] in kept]}, "mark": shape, "encoding": encoding}


def _bars(rows: list[dict[str, Any]], x: str, y: str) -> dict[str, Any]:
    """Horizontal bars from zero, the largest first; of many the eleven largest and the others together."""
    ranked = sorted(rows, key=lambda row: -(row[y] or 0))
    if len(ranked) > MOST_BARS:
        rest = ranked[MOST_BARS - 1 :]
        ranked = [*ranked[: MOST_BARS - 1], {x: f"{len(rest)} other", y: sum(row[y] or 0 for row in rest)}]
    ranked = [{**row, x: "no value" if row[x] is None else str(row[x])} for row in ranked]
    encoding = {
        "y": {"field": x, "type": "nominal", "sort": None, "title": None},
        "x": {"field": y, "type": "quantitative", "title": None, "axis": {"tickCount": 4, "format": "~s"}},
    }
    return {"data": {"values": ranked}, "height": {"step": 28}, "mark": {"type": "bar", "color": ACCENT}, "encoding": encoding}


def drawn(answer: Answer, kind: str) -> bytes:
    """The chart as `svg` or `png`."""
    import vl_convert

    spec = drawing(answer)
    if kind == "svg":
        return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])).encode()
    return bytes(vl_convert.vegalite_to_png(spec, scale=2, allowed_base_urls=[]))
