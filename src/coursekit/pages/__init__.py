"""What a reader sees of untrusted text: verdicts, Markdown and code as plain HTML."""
