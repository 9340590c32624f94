# Every call but that of seeded outputs has arguments that nobody can know beforehand.
height, width = int(checks.random.choice([35, 37, 41])), int(checks.random.choice([34, 38, 42]))
channels, filters = (int(count) for count in checks.random.permutation([2, 5, 6, 7])[:2])
other = dict(filters=filters, layers=int(checks.random.integers(3, 5)))

with checks("number of convolutions", points=2):
    checks.trace((height, width, channels), **other).has_convolutions()

with checks("pooling", points=2):
    checks.trace((height, width, channels), **other).has_pooling_and_classifier()

with checks("initial weights", points=2):
    checks.trace((height, width, channels), **other).has_initial_weights()

with checks("seeded outputs", points=2):
    np.random.seed(25)
    X = np.random.randn(1, 6, 9, 2)
    figures = [0, 0.32033932, 0.23800939, 0.55243611, 0]
    answer = checks.trace((6, 9, 2), filters=5, layers=1)
    answer.has_values(X, (0, 1, 1), figures, tolerance=1e-5)

with checks("other sizes", points=2):
    checks.trace((height, width, channels), **other).behaves()
