"""What a student's kernel puts out: bounded, and plain."""
