"""The course kit: release pipeline, student kernels, judge and reports."""

import sys

# nbformat imports jsonschema, and that this package, which compiles a grammar at every import:
# 1.1 of nbformat's 1.25 s. jsonschema does without it, and no notebook schema asks for it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
