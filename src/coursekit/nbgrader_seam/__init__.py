"""The one room that changes what nbgrader does: its steps, exporter and preprocessors."""
