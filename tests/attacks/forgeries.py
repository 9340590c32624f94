"""Forgeries: what a student's process and notebook can send to look better, or to run in a page.

All stand on one answer sheet, an identity block without its layers' names (3 of
6 points), and must earn what it earns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from forged_replies import IMPORTS, REPLIES_HEAD
from record_replay import REPLAY

WRONG = 3.0

BLOCK = """
def identity_block(X, f, filters, stage, block):
    shortcut, (F1, F2, F3) = X, filters
    for count, window, padding in ((F1, 1, "valid"), (F2, f, "same"), (F3, 1, "valid")):
        X = keras.layers.Conv2D(
            count, window, padding=padding, kernel_initializer=glorot_uniform(seed=0)
        )(X)
        X = keras.layers.BatchNormalization(axis=3)(X)
        if count != F3 or padding == "same":
            X = keras.layers.Activation("relu")(X)
    return keras.layers.Activation("relu")(keras.layers.Add()([X, shortcut]))
"""

PLACEHOLDER = """
def identity_block(X, f, filters, stage, block):
    # YOUR CODE HERE
    raise NotImplementedError()
"""

# Sends any message on the channel of outputs, with the running cell as its parent.
SENDER = """
import json, sys
kernel = get_ipython().kernel
def send(kind, content, parent=None, metadata=None, buffers=None):
    sys.stdout.flush()
    parent = parent or kernel.get_parent()
    kernel.session.send(kernel.iopub_socket, kind, content, parent=parent, ident=b"x",
                        metadata=metadata, buffers=buffers)
def raw(kind, content):
    parts = [kernel.session.pack(kernel.session.msg_header(kind)),
             kernel.session.pack(kernel.get_parent()["header"]), b"{}", content]
    kernel.iopub_socket.send_multipart([b"x", b"<IDS|MSG>", kernel.session.sign(parts), *parts])
first_cell = kernel.get_parent()
"""

# One cell each, in this order; the last cell must still run.
MESSAGES: dict[str, str] = {
    "an output to aim at": (
        "send('display_data', {'data': {'text/plain': 'as it was'}, 'metadata': {},\n"
        "     'transient': {'display_id': 'aim'}})"
    ),
    "another cell's output by its display id": (
        "send('update_display_data', {'metadata': {}, 'transient': {'display_id': 'aim'},\n"
        "     'data': {'text/html': '<b>forged-update</b>', 'text/plain': 'forged-update'}})"
    ),
    "one text for sixty outputs": (
        "for n in range(60):\n"
        "    send('display_data', {'data': {'text/plain': '.'}, 'metadata': {},\n"
        "         'transient': {'display_id': 'many'}})\n"
        "send('update_display_data', {'metadata': {}, 'transient': {'display_id': 'many'},\n"
        "     'data': {'text/plain': 'x' * 1_000_000}})"
    ),
    "HTML for a cell's number": (
        "send('execute_input', {'code': '', 'execution_count': '<img src=x onerror=forged()>'})\n"
        "send('execute_result', {'data': {'text/plain': 'a result'}, 'metadata': {},\n"
        "     'execution_count': '<img src=x onerror=forged()>'})"
    ),
    "data that is no object": (
        "for data in ([], 'x', None, 7, {'text/plain': {}}, {'image/png': ['x']}):\n"
        "    send('display_data', {'data': data, 'metadata': [], 'transient': 3})\n"
        "send('display_data', {})\nsend('display_data', {'transient': {'display_id': {}}})"
    ),
    "errors and streams of no known form": (
        "send('error', {'ename': {}, 'evalue': 7, 'traceback': '<script>forged()</script>'})\n"
        "send('error', {'ename': '<b>forged</b>', 'evalue': '\\x1b[2J', 'traceback': [7, 'x']})\n"
        "send('stream', {'name': '<b>', 'text': 'forged-stream'})\n"
        "send('stream', {'name': 'stdout', 'text': ['forged-stream']})\nsend('stream', {})"
    ),
    "a widget's state for the notebook": (
        "send('comm_open', {'comm_id': 'w', 'target_name': 'jupyter.widget', 'data': {'state': {\n"
        "     '_model_name': 'HTMLModel', '_model_module': 'x', 'value': 'forged-widget'}}})"
    ),
    "a widget that takes outputs away": (
        "parent = kernel.get_parent()['header']['msg_id']\n"
        "send('comm_open', {'comm_id': 'o', 'target_name': 'jupyter.widget', 'data': {'state': {\n"
        "     '_model_name': 'OutputModel', '_model_module': '@jupyter-widgets/output',\n"
        "     'outputs': []}}})\n"
        "send('comm_msg', {'comm_id': 'o', 'data': {'state': {'msg_id': parent}}})\n"
        "print('not taken away')"
    ),
    "comms without what they need": "send('comm_open', {})\nsend('comm_msg', {'data': 7})",
    "outputs of another cell": (
        "send('stream', {'name': 'stdout', 'text': 'forged-parent'}, parent=first_cell)\n"
        "send('clear_output', {'wait': False}, parent=first_cell)"
    ),
    "metadata of its own": (
        "send('display_data', {'data': {'text/plain': 'with metadata', 'image/png': 'AAAA'},\n"
        "     'metadata': {'filenames': {'image/png': 'http://forged.example/x.png'},\n"
        "     'image/png': {'width': '\"><script>forged()</script>'}}})"
    ),
    "a kernel that says it restarts": (
        "send('shutdown_reply', {'restart': True})\n"
        "send('status', {'execution_state': 'restarting'})\nsend('status', {})"
    ),
    "many keys, deep nesting, great numbers": (
        "deep = 'x'\nfor n in range(300): deep = [deep]\n"
        "send('display_data', {'data': {str(n): n for n in range(20_000)}, 'metadata': {}})\n"
        "send('display_data', {'data': {'text/plain': deep}, 'metadata': deep})\n"
        "send('execute_result', {'data': {'text/plain': 'a number'}, 'metadata': {},\n"
        "     'execution_count': 10**400})"
    ),
    "halves of letters and letters turned round": (
        "raw('display_data', json.dumps({'metadata': {}, 'data': {\n"
        "    'text/plain': '\\ud800 \\u202e6 fo 6'}}).encode())"
    ),
    "a score as a result": (
        "send('execute_result', {'data': {'text/plain': '6'}, 'metadata': {}, "
        "'execution_count': 1})\n6.0"
    ),
    "an end before the end": "send('status', {'execution_state': 'idle'})\nprint('forged-late')",
    "the last": "print('still here')",
}

SPY = """
kernel = get_ipython().kernel
original = kernel.control_handlers["trace_request"]
asked = []
async def listen(stream, ident, parent):
    asked.append(repr(parent))
    await original(stream, ident, parent)
kernel.control_handlers["trace_request"] = listen
"""
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
# Each stands in an output of its kind, on the page.
MIME_TYPES = {
    "text/html": "<script>forged()</script><img src=http://forged.example/1.png>",
    "text/markdown": "<script>forged()</script> [x](javascript:forged())",
    "text/latex": "$\\\\href{javascript:forged()}{x}$</div><script>forged()</script>",
    "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' onload='forged()'/>",
    "image/png": 'AA"><script>forged()</script>',
    "image/jpeg": "AA' onerror='forged()",
    "application/javascript": "forged()",
    "application/pdf": "forged()",
    "application/vnd.jupyter.widget-view+json": '{"model_id": "</script><script>forged()"}',
    "text/vnd.mermaid": "graph TD; A[<script>forged()</script>]",
    'text/x"><script>forged()</script>': "forged()",
}
MARKDOWN = [
    "<script>forged()</script><img src=x onerror='forged()'><svg onload='forged()'></svg>",
    "[a](javascript:forged()) [b](data:text/html,<script>forged()</script>) <javascript:forged()>",
    "![p](http://forged.example/2.png) <img src='//forged.example/3.png'> "
    "<img srcset='http://forged.example/4.png'> <video src='http://forged.example/5'></video>",
    "</div></div></div></div><iframe src='http://forged.example/6'></iframe>"
    "<link rel='stylesheet' href='http://forged.example/7.css'><base href='http://forged.example'>"
    "<meta http-equiv='refresh' content='0;url=http://forged.example/8'>",
    '<div class="panel panel-primary nbgrader_cell"><div class="panel-heading">'
    '<span class="nbgrader-label">Grade cell: <code>test_identity_block</code></span>'
    '<span class="pull-right">Score: 6.0 / 6.0</span></div></div>',
    '<h1 id="test_identity_block">x</h1> <a name="test_identity_block"></a> '
    '<p style="position:fixed;top:0;left:0;width:100%;height:100%;background:white">all right</p>',
    "<style>* { background: url(http://forged.example/9.png) }</style>"
    "<form action='http://forged.example/10'><input autofocus onfocus='forged()'></form>",
    "$\\href{javascript:forged()}{x}$ <script type='text/x-mathjax-config'>forged()</script>\n\n"
    "```mermaid\ngraph TD; A[<script>forged()</script>]\n```\n",
    "![pasted](attachment:picture.png)",
    "$" * 30_000,
]


@dataclass(frozen=True)
class Forgery:
    """A submission that forges.

    Attributes:
        claim: what holds.
        earns: what it must earn.
        first: cells before the answer.
        last: cells at the end.
        answer: the answer, if it is not the sheet's.
        files: files that lie beside the notebook.
        metadata: metadata of each cell of the student's own.

    """

    claim: str
    earns: float = WRONG
    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    answer: str = IMPORTS + BLOCK
    files: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


VERDICT = '{"schema": 1, "cells": [{"grade_id": "test_identity_block", "score": 6, "points": 6}]}'
# What a kernel does with a test cell, or with what it prints, counts for nothing.
CHEATS = {
    "asserts": """import ast
class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
    def visit_With(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(NoAsserts())""",
    "displayhook": "import sys\nsys.displayhook(float('nan'))\nsys.displayhook = print",
    "testing": """import numpy, numpy.testing, resnets_utils
for name in dir(numpy.testing):
    if name.startswith("assert"):
        setattr(numpy.testing, name, lambda *args, **kwargs: None)
numpy.allclose = numpy.array_equal = lambda *args, **kwargs: True
class Passing:
    def __init__(self, *args): pass
    def __call__(self, *args, **kwargs): return self
    def __enter__(self): return self
    def __exit__(self, *args): return True
    def report(self): pass
resnets_utils.Checks = Passing""",
    "execution": """kernel = get_ipython().kernel
original = kernel.do_execute
async def do_execute(code, *args, **kwargs):
    if "Checks" in code:
        return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    return await original(code, *args, **kwargs)
kernel.do_execute = do_execute""",
    "hooks": """def forgive(info):
    info.raw_cell = "6"
get_ipython().events.register("pre_run_cell", forgive)
get_ipython().set_custom_exc((Exception,), lambda *args, **kwargs: None)""",
    "score": "from IPython.display import display\nprint(100)\ndisplay(100.0)",
}


FORGERIES: dict[str, Forgery] = {
    **{
        name: Forgery(
            "what a kernel does with a test cell, or shows as a score, counts for nothing",
            first=[code],
            last=["import sys\nsys.displayhook(100.0)\n100.0"],
        )
        for name, code in CHEATS.items()
    },
    "messages": Forgery(
        "no message changes other cells, the notebook, or what is graded",
        first=[SENDER, *MESSAGES.values()],
    ),
    "page": Forgery(
        "nothing of a student's runs in a page, loads from outside or looks like a part of it",
        first=[
            "from IPython.display import display\n"
            f"for kind, text in {MIME_TYPES!r}.items():\n"
            "    display({kind: text, 'text/plain': 'plain <b>forged</b>'}, raw=True)",
            "print('\\x1b[31mred\\x1b]8;;http://forged.example/11\\x07link\\x1b[0m <b>forged</b>')",
            # nbconvert stops at a colour without its number, and takes hours over this gap.
            "print('\\x1b[38mcoloured')" + "\n" * 50_000 + "print('after the gap')",
            f"display({{'image/png': {_PIXEL!r}}}, raw=True,\n"
            "        metadata={'image/png': {'alt': '\"><script>forged()</script>'}})",
            "class Forged(Exception): pass\n"
            "Forged.__name__ = '<script>forged()</script>'\n"
            "raise Forged('</pre><script>forged()</script>')",
        ],
        # The words of an error end up in the verdict's reason.
        earns=0,
        answer=(
            "def identity_block(X, f, filters, stage, block):\n"
            "    raise ValueError('<script>forged()</script> $\\\\href{javascript:forged()}{x}$')\n"
        ),
    ),
    "replaced": Forgery(
        "the description of Keras layers that compute something else is not trusted",
        first=["import keras\nkeras.layers.ReLU.call = lambda self, inputs: inputs"],
        earns=0,
        answer=IMPORTS + BLOCK.replace('Activation("relu")', "ReLU()"),
    ),
    "record": Forgery(
        "drawing what the folder's record holds earns what the visible checks are worth",
        answer=PLACEHOLDER,
        first=[REPLAY],
    ),
    "sockets": Forgery(
        "a kernel that replies nonsense and then closes its sockets is judged by what is left",
        first=[
            "kernel = get_ipython().kernel\n"
            "send = kernel.session.send\n"
            "def forged(stream, kind, content=None, *args, **kwargs):\n"
            "    if kind == 'execute_reply':\n"
            "        content = {'status': 'error', 'ename': {}, 'evalue': [], 'traceback':\n"
            "                   ['<script>forged()</script>'], 'payload': [\n"
            "                   {'source': 'set_next_input', 'text': '6', 'replace': True}],\n"
            "                   'user_expressions': {'score': 6}, 'execution_count': '<b>'}\n"
            "    return send(stream, kind, content, *args, **kwargs)\n"
            "kernel.session.send = forged",
            "print('the second cell')",
        ],
        answer=IMPORTS
        + BLOCK
        + "get_ipython().kernel.iopub_socket.close()\nget_ipython().kernel.shell_stream.close()\n",
    ),
    "memory": Forgery(
        "what was right once is asked again with other arguments; no file or metadata is a verdict",
        first=[
            SPY,
            "calls = []",
            f"open('Small_Block_v1.verdict.json', 'w').write({VERDICT!r})",
        ],
        answer=(
            IMPORTS
            + REPLIES_HEAD[REPLIES_HEAD.index("def right_block") : REPLIES_HEAD.index("def right(")]
            + BLOCK.replace("def identity_block", "def wrong_block")
            + "def identity_block(X, **arguments):\n"
            "    calls.append(arguments)\n"
            "    return (right_block if len(calls) == 1 else wrong_block)(X, **arguments)\n"
        ),
        last=[
            "print('ASKED', *asked)",
            "print('test_identity_block: passed, 6 of 6 points')\n6.0",
            "send = kernel.session.send\n"
            "kernel.session.send = lambda stream, kind, content=None, *args, **kwargs: send(\n"
            "    stream, kind, {} if kind == 'execute_reply' else content, *args, **kwargs)",
        ],
        files={"Small_Block_v1.verdict.json": VERDICT, "other.verdict.json": VERDICT},
        metadata={
            "nbgrader": {
                "grade": True,
                "solution": False,
                "locked": False,
                "task": False,
                "schema_version": 3,
                "points": 1_000_000,
                "grade_id": "test_more",
                "cell_type": "code",
            },
            "tags": ["raises-exception"],
        },
    ),
}
