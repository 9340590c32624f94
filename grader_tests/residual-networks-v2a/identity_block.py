# Every call below has arguments that nobody can know beforehand, so that no
# recorded answer fits; seeded outputs are the exception.
stage = int(checks.random.integers(2, 9))
letter = str(checks.random.choice(list("ghkmpq")))
f = int(checks.random.integers(3, 6))
F1, F2, F3 = (int(count) for count in checks.random.choice(np.arange(3, 80), 3, replace=False))
height, width = (int(size) for size in checks.random.choice(np.arange(6, 15), 2, replace=False))
other = dict(f=f, filters=[F1, F2, F3], stage=stage, block=letter)

# As in ResNet-50, in a stage that nobody can know beforehand either, for pictures that are
# square or twice as high.
at = int(checks.random.integers(4))
depth, size = [(64, 15), (128, 8), (256, 4), (512, 2)][at]
tall = int(checks.random.integers(1, 3))
inner = str(checks.random.choice(list("bcdef")))
deep = dict(f=3, filters=[depth, depth, 4 * depth], stage=2 + at, block=inner)
calls = [((height, width, F3), other), ((tall * size, size, 4 * depth), deep)]

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
    np.random.seed(20)
    X = np.random.randn(2, 5, 6, 5)
    answer = checks.trace((5, 6, 5), f=3, filters=[4, 3, 5], stage=4, block="e")
    figures = [0, 2.2918172, 0.17287967, 0, 0.2446557]
    # Measured spread 1.2e-7 (see docs/judging.md), times a margin.
    answer.has_values(X, (1, 2, 3), figures, tolerance=1e-5)

with checks("other sizes", points=3):
    for shape, said in calls:
        checks.trace(shape, **said).behaves()
