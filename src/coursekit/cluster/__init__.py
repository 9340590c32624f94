"""Grading on several machines: certificates, scheduler and workers, on dask.distributed.

Everything that imports Dask or cryptography is in this room, and they come with an extra of
the kit's. Without it, every import from here says so.
"""

from importlib.util import find_spec

from coursekit.errors import CourseKitError

if missing := [name for name in ("distributed", "cryptography") if find_spec(name) is None]:
    raise CourseKitError(
        f"a cluster needs what is not installed here: {' and '.join(missing)}",
        "install it, with: pip install 'residual-networks-course-kit[cluster]'",
    )
