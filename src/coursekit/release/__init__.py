"""The release pipeline: from an instructor's source to what students get, through gates."""
