# Every call below has arguments that nobody can know beforehand, so that no
# recorded answer fits; seeded outputs are the exception.
stage = int(checks.random.integers(2, 9))
letter = str(checks.random.choice(list("ghkmpq")))
f = int(checks.random.integers(3, 6))
sizes = checks.random.choice(np.arange(3, 80), 4, replace=False)
channels, F1, F2, F3 = (int(size) for size in sizes)
height, width = (int(size) for size in checks.random.choice(np.arange(7, 15), 2, replace=False))
other = dict(f=f, filters=[F1, F2, F3], stage=stage, block=letter, s=3)

# As in ResNet-50, in a stage that nobody can know beforehand either, for pictures that are
# square or twice as high.
at = int(checks.random.integers(4))
depth, size, reads = [(64, 15, 64), (128, 15, 256), (256, 8, 512), (512, 4, 1024)][at]
tall = int(checks.random.integers(1, 3))
deep = dict(f=3, filters=[depth, depth, 4 * depth], stage=2 + at, block="a", s=1 if at == 0 else 2)
calls = [((height, width, channels), other), ((tall * size, size, reads), deep)]

with checks("batch normalisation", points=4):
    for shape, said in calls:
        checks.trace(shape, **said).has_normalisation()

with checks("initial weights", points=3):
    for shape, said in calls:
        checks.trace(shape, **said).has_initial_weights()

with checks("names in other calls", points=3):
    for shape, said in calls:
        checks.trace(shape, **said).has_layer_names()

with checks("seeded outputs", points=2):
    np.random.seed(21)
    X = np.random.randn(2, 6, 7, 4)
    answer = checks.trace((6, 7, 4), f=3, filters=[5, 3, 6], stage=3, block="a")
    figures = [0, 1.8945131, 1.8394451, 0, 0, 1.2340829]
    # Measured spread 1.2e-7 (see docs/judging.md), times a margin.
    answer.has_values(X, (1, 1, 2), figures, tolerance=1e-5)

with checks("other sizes", points=3):
    for shape, said in calls:
        checks.trace(shape, **said).behaves()
