"""Forged replies to a trace request, and what the network in each of them earns."""

from __future__ import annotations

from dataclasses import dataclass

IMPORTS = "import keras\nfrom resnets_utils import glorot_uniform\n"

# What the kernel says when asked to trace: `reply` and `raw` send it, `right` is a right graph.
REPLIES_HEAD = """
import json
kernel = get_ipython().kernel
original = kernel.control_handlers["trace_request"]
from resnets_utils.answering import answer as real_answer
from resnets_utils.border.call import Call
def right_block(X, f, filters, stage, block):
    shortcut = X
    for letter, count, window in zip("abc", filters, (1, f, 1)):
        X = keras.layers.Conv2D(count, window, padding="same" if letter == "b" else "valid",
            name=f"res{stage}{block}_branch2{letter}",
            kernel_initializer=glorot_uniform(seed=0))(X)
        X = keras.layers.BatchNormalization(axis=3, name=f"bn{stage}{block}_branch2{letter}")(X)
        if letter != "c":
            X = keras.layers.Activation("relu")(X)
    return keras.layers.Activation("relu")(keras.layers.Add()([X, shortcut]))
traced = {"values": ""}
def right(parent, **other):
    content = {**parent["content"], "function": "right_block"}
    forms = {name: [type(value).__name__, value] for name, value in other.items()}
    content["arguments"] = {**content["arguments"], **forms}
    traced.update(real_answer(Call.from_json(content), globals()))
    return traced["graph"]
def chain(parent, count):
    model = json.loads(right(parent))
    layers = model["config"]["layers"]
    one = layers[-1]
    for number in range(count):
        more = json.loads(json.dumps(one))
        more["name"] = f"r{number}"
        more["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = layers[-1]["name"]
        layers.append(more)
    model["config"]["output_layers"] = [layers[-1]["name"], 0, 0]
    return json.dumps(model)
def changed(parent, change):
    model = json.loads(right(parent))
    change(model["config"]["layers"])
    return json.dumps(model)
replies = {}
async def answer(stream, ident, parent):
    def reply(content, kind="trace_reply", parent=parent):
        kernel.session.send(stream, kind, content, parent, ident)
    def graph(text, **more):
        reply({"status": "graph", "graph": text, "values": traced["values"], **more})
    def raw(content):
        parts = [kernel.session.pack(kernel.session.msg_header("trace_reply")),
                 kernel.session.pack(parent["header"]), b"{}", content]
        stream.send_multipart([*ident, b"<IDS|MSG>", kernel.session.sign(parts), *parts])
    forged = compile(replies[parent["content"]["arguments"]["stage"][1]], "forged", "exec")
    exec(forged, {**globals(), **locals()})
kernel.control_handlers["trace_request"] = answer
"""


@dataclass(frozen=True)
class Reply:
    """A forged reply to a trace request.

    Attributes:
        code: sends it.
        passes: the checks that it passes, of names, connections and values;
            all for a right network, whoever drew it.
        said: part of the reason where it fails.

    """

    code: str
    passes: tuple[str, ...] = ()
    said: str = ""


ALL = ("names", "connections", "behaviour")
REPLIES: dict[str, Reply] = {
    "a right graph made by hand": Reply("graph(right(parent))", ALL),
    "a right graph that nothing was computed with": Reply(
        "reply({'status': 'graph', 'graph': right(parent)})", said="something else than they say"
    ),
    "a right graph and the values of another": Reply(
        "graph(right(parent), values=json.dumps([0.5] * 64))", said="something else than they say"
    ),
    "a right graph and values that are no numbers": Reply(
        "graph(right(parent), values=json.dumps([float('nan')] * 64))",
        said="something else than they say",
    ),
    "a right graph and values without end": Reply(
        "graph(right(parent), values='[1e999,' * 300_000)", said="something else than they say"
    ),
    "a right graph and values of no known form": Reply(
        "graph(right(parent), values='{\"a\": [[]]}')", said="something else than they say"
    ),
    "a verdict in place of a graph": Reply(
        "reply({'status': 'passed', 'outcome': 'passed', 'points': '6'})", said="the kernel's reply"
    ),
    "a verdict beside the graph": Reply(
        "graph(right(parent), outcome='passed')", said="the kernel's reply"
    ),
    "a value in place of a graph": Reply(
        "reply({'status': 'value', 'value': '[\"int\", 1]'})", said="the kernel's reply"
    ),
    "another kind of reply": Reply(
        "reply({'status': 'ok', 'payload': []}, kind='execute_reply')", said="the kernel's reply"
    ),
    "a list for a reply": Reply("raw(b'[1, 2]')", said="the kernel's reply"),
    "a right graph with foreign parents first": Reply(
        "good = right(parent)\n"
        "for n in range(50):\n"
        "    header = {**parent['header'], 'msg_id': f'forged-{n}'}\n"
        "    reply({'status': 'graph', 'graph': good}, parent={'header': header})\n"
        "reply({'status': 'undefined', 'reason': 'forged'})",
        said="forged",
    ),
    "two replies": Reply(
        "reply({'status': 'undefined', 'reason': 'the first'})\ngraph(right(parent))",
        said="the first",
    ),
    "the reply to another question": Reply(
        "graph(right(parent, stage=1, block='a'))", ("connections", "behaviour"), "named"
    ),
    "not UTF-8": Reply("raw(b'\\xff\\xfe\\x00')", said="the kernel's reply"),
    "a wrong signature": Reply(
        "parts = [b'{}'] * 4\nstream.send_multipart([*ident, b'<IDS|MSG>', b'0' * 64, *parts])",
        said="the kernel's reply",
    ),
    "frames that are missing": Reply(
        "stream.send_multipart([*ident, b'<IDS|MSG>', b''])", said="the kernel's reply"
    ),
    "no delimiter": Reply("stream.send_multipart([*ident, b'x'])", said="the kernel's reply"),
    "deep nesting around the reply": Reply("raw(b'[' * 200_000)", said="the kernel's reply"),
    "a great many keys": Reply(
        "reply({str(n): 'x' for n in range(300_000)})", said="the kernel's reply"
    ),
    "words instead of numbers": Reply(
        'raw(b\'{"status": "graph", "graph": NaN}\')', said="the kernel's reply"
    ),
    "a number without end": Reply(
        "raw(b'{\"status\": ' + b'9' * 100_000 + b'}')", said="the kernel's reply"
    ),
    "five million letters of a reason": Reply(
        "reply({'status': 'raised', 'reason': 'z' * 4_900_000, 'lines': 'y' * 9_000})", said="zzz"
    ),
    "a graph of letters of two bytes": Reply(
        "graph('é' * 2_700_000)", said="has 5,400,000 bytes; 4,000,000 are read"
    ),
    "values of letters that JSON writes with six": Reply(
        "graph(right(parent), values='\\0' * 2_700_000)", said="the kernel's reply has 16,"
    ),
    "a softmax along an axis that is not there": Reply(
        "graph(changed(parent, lambda layers: layers[-1].update(class_name='Softmax',\n"
        "    config={**layers[-1]['config'], 'axis': -5})))",
        said="axis of layer",
    ),
    "a reason that writes over the page": Reply(
        "reply({'status': 'raised', 'reason': '\\x1b[2J\\x1b[H\\u202edessap\\u0336' + "
        "'\\u0336' * 500 + '<script>forged()</script>'})",
        said="<script>forged()",
    ),
    "a stand-in for the block": Reply(
        "graph(changed(parent, lambda layers: layers[1].update(\n"
        "    registered_name='resnets_utils>StandIn', class_name='StandIn',\n"
        "    module='resnets_utils', config={'function': 'identity_block', 'gives': [4, 4, 6],\n"
        "    'arguments': {'f': 2, 'filters': [2, 4, 6], 'stage': 1, 'block': 'a'}})))",
        said="stand-in",
    ),
    "a list for the name of a class": Reply(
        "graph(changed(parent, lambda layers: layers[1].update(class_name=[])))",
        said="has values that no",
    ),
    "a number beyond all bounds": Reply(
        "graph(changed(parent, lambda layers: layers[1]['inbound_nodes'][0]['args'].append("
        "10**400)))",
        said="calculates with a number",
    ),
    "layers stacked higher than Keras can climb": Reply(
        "graph(chain(parent, 1_900))", ("names",), "one ReLU more"
    ),
    "a hundred thousand layers": Reply("graph(chain(parent, 5_000))", said="more than 2000"),
    "graphs within graphs": Reply("graph('{\"config\":' * 90_000)", said="nested too deeply"),
    "names as long as books": Reply(
        "graph(changed(parent, lambda layers: layers[1].update(name='n' * 1_000_000)))",
        said="1 to 200 printable",
    ),
    "a name that is a page": Reply(
        "graph(changed(parent, lambda layers: layers.append(\n"
        "    {**layers[-1], 'name': '<img src=x onerror=forged()>', 'class_name': 'Lambda'})))",
        said="<img src=x",
    ),
    "more computing than there is time for": Reply(
        "entrance = keras.Input((4, 4, 6))\n"
        "X = keras.layers.ZeroPadding2D(256)(keras.layers.ZeroPadding2D(256)(entrance))\n"
        "for n in range(3): X = keras.layers.MaxPooling2D(64, 1, 'same')(X)\n"
        "X = keras.layers.MaxPooling2D(64, 64)(X)\n"
        "X = keras.layers.MaxPooling2D(13, 1)(X)\n"
        "graph(keras.Model(entrance, X).to_json())",
        said="",
    ),
}
