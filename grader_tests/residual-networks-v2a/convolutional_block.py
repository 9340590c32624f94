# Every call below has arguments that nobody can know beforehand, so that no
# recorded answer fits; seeded outputs are the exception.
stage = int(checks.random.integers(2, 9))
letter = str(checks.random.choice(list("ghkmpq")))
f = int(checks.random.integers(3, 6))
channels, F1, F2, F3 = (int(count) for count in checks.random.permutation([3, 4, 5, 7, 8])[:4])
other = dict(f=f, filters=[F1, F2, F3], stage=stage, block=letter, s=3)

# The same in ResNet-50, in a stage that nobody can know beforehand either.
at = int(checks.random.integers(4))
width, size, depth = [(64, 15, 64), (128, 15, 256), (256, 8, 512), (512, 4, 1024)][at]
deep = dict(f=3, filters=[width, width, 4 * width], stage=2 + at, block="a", s=1 if at == 0 else 2)
calls = [((7, 9, channels), other), ((size, size, depth), deep)]

with checks("batch normalisation", points=4):
    for shape, said in calls:
        checks.trace(shape, **said).has_normalisation()

with checks("initial weights", points=3):
    for shape, said in calls:
        checks.trace(shape, **said).has_initial_weights()

with checks("layer names", points=3):
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
