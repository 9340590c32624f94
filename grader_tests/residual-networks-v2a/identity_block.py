# Every call below has arguments that nobody can know beforehand, so that no
# recorded answer fits; seeded outputs are the exception.
stage = int(checks.random.integers(2, 9))
letter = str(checks.random.choice(list("ghkmpq")))
f = int(checks.random.integers(3, 6))
F1, F2, F3 = (int(count) for count in checks.random.permutation([3, 4, 5, 7, 8])[:3])
other = dict(f=f, filters=[F1, F2, F3], stage=stage, block=letter)

# The same in ResNet-50, in a stage that nobody can know beforehand either.
at = int(checks.random.integers(4))
width, size = [(64, 15), (128, 8), (256, 4), (512, 2)][at]
deep = dict(f=3, filters=[width, width, 4 * width], stage=2 + at, block="c")
calls = [((6, 7, F3), other), ((size, size, 4 * width), deep)]

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
    np.random.seed(20)
    X = np.random.randn(2, 5, 6, 5)
    answer = checks.trace((5, 6, 5), f=3, filters=[4, 3, 5], stage=4, block="e")
    figures = [0, 2.2918172, 0.17287967, 0, 0.2446557]
    # Measured spread 1.2e-7 (see docs/judging.md), times a margin.
    answer.has_values(X, (1, 2, 3), figures, tolerance=1e-5)

with checks("other sizes", points=3):
    for shape, said in calls:
        checks.trace(shape, **said).behaves()
