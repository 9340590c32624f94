# Every call below has arguments that nobody can know beforehand, so that no
# recorded answer fits; seeded outputs are the exception.
from resnets_utils import tensorflow2

f = int(checks.random.integers(3, 6))
F1, F2, F3 = (int(count) for count in checks.random.choice(np.arange(3, 80), 3, replace=False))
height, width = (int(size) for size in checks.random.choice(np.arange(6, 15), 2, replace=False))
other = dict(f=f, filters=[F1, F2, F3])

# As in ResNet-50, in a stage that nobody can know beforehand either, for pictures that are
# square or twice as high.
at = int(checks.random.integers(4))
depth, size = [(64, 15), (128, 8), (256, 4), (512, 2)][at]
tall = int(checks.random.integers(1, 3))
deep = dict(f=3, filters=[depth, depth, 4 * depth])
calls = [((height, width, F3), other), ((tall * size, size, 4 * depth), deep)]

with checks("batch normalisation", points=4):
    for shape, said in calls:
        checks.trace(shape, **said, training=True).has_normalisation()
        checks.trace(shape, **said, training=False).has_normalisation()

with checks("initial weights", points=4):
    for shape, said in calls:
        checks.trace(shape, **said).has_initial_weights()
        for start in (tensorflow2.glorot_uniform, tensorflow2.random_uniform):
            checks.trace(shape, **said, initializer=start).has_initial_weights()

with checks("seeded outputs", points=3):
    np.random.seed(20)
    X = np.random.randn(2, 5, 6, 5)
    # No difference measured between oneDNN on and off; a wrong layer by 0.01 or more.
    answer = checks.trace((5, 6, 5), f=3, filters=[4, 3, 5])
    answer.has_values(X, (1, 2, 3), [0, 0.417839, 0, 0, 0.41792548], tolerance=1e-4)
    answer = checks.trace((5, 6, 5), f=3, filters=[4, 3, 5], training=False)
    answer.has_values(X, (1, 2, 3), [0, 0.8537789, 0, 0, 0.3534537], tolerance=1e-5)

with checks("other sizes", points=4):
    for shape, said in calls:
        checks.trace(shape, **said, initializer=tensorflow2.glorot_uniform).behaves()
