"""Graphs as short JSON text, for the record in a student's folder."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from resnets_utils.graphs.graph import WEIGHTED, Graph, Node, Setting


def text_of_graph(graph: Graph) -> str:
    """Return a graph as JSON text, the same for every drawing of it.

    Names that Keras gave are left out, except those of layers that are used twice.
    """
    weighted = Counter(node.layer for node in graph.nodes if node.kind in WEIGHTED)
    nodes = []
    for node in graph.nodes:
        written = {
            "kind": node.kind,
            "settings": node.settings,
            "inputs": node.inputs,
            "layer": node.layer if node.named or weighted[node.layer] > 1 else "",
            "owner": node.owner,
            "gives": node.gives,
            "function": node.function,
            "named": node.named,
        }
        nodes.append({key: value for key, value in written.items() if value not in ("", (), {})})
    data = {"output": graph.output, "nodes": nodes}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def graph_of_text(text: str) -> Graph:
    """Return the graph that `text_of_graph` wrote.

    Raises:
        ValueError: if the text is anything else.

    """
    try:
        data = json.loads(text)
        return Graph(tuple(map(_node, data["nodes"])), data["output"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not a graph ({error})") from None


def _node(written: dict[str, Any]) -> Node:
    tuples = {key: tuple(written.get(key, ())) for key in ("inputs", "gives")}
    settings = {key: _setting(value) for key, value in written.get("settings", {}).items()}
    return Node(**{**written, **tuples, "settings": settings})


def _setting(value: Any) -> Setting:
    if isinstance(value, list):
        return tuple(_setting(item) for item in value)
    setting: Setting = value
    return setting
