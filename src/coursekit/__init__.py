"""The course kit: release pipeline, student kernels, judge and reports."""
