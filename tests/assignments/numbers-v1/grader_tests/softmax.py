# Every call has numbers that nobody can know beforehand.
rows = int(checks.random.integers(3, 7))
scores = checks.random.normal(0, 3, (rows, 4))
large = 900 + checks.random.uniform(0, 3, 5)
apart = np.array([[900.0], [-900.0]]) + checks.random.uniform(0, 5, (2, 4))

with checks("other rows", points=1):
    checks.call(x=scores).equals(tolerance=1e-6)

with checks("large scores", points=2):
    checks.call(x=large).equals(tolerance=1e-6)

with checks("rows far apart", points=2):
    checks.call(x=apart).equals(tolerance=1e-6)

with checks("whole numbers", points=2):
    checks.call(x=checks.random.integers(-5, 6, 6)).equals(tolerance=1e-6)

with checks("rows without scores", points=1):
    checks.call(x=np.zeros((rows, 0))).raises(ValueError)
