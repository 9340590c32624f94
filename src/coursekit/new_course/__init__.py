"""A course folder of one's own: what ``coursekit init`` writes, and from which files.

``template/`` is what a course begins with. In the repository most of it is links, so that
settings, assignments and pages have one place; an installed kit has files instead.
"""
