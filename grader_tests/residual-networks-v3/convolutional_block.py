# Every call below has arguments that nobody can know beforehand, so that no
# recorded answer fits; seeded outputs are the exception.
from resnets_utils import tensorflow2

f = int(checks.random.integers(3, 6))
sizes = checks.random.choice(np.arange(3, 80), 4, replace=False)
channels, F1, F2, F3 = (int(size) for size in sizes)
height, width = (int(size) for size in checks.random.choice(np.arange(7, 15), 2, replace=False))
other = dict(f=f, filters=[F1, F2, F3], s=3)

# As in ResNet-50, in a stage that nobody can know beforehand either, for pictures that are
# square or twice as high.
at = int(checks.random.integers(4))
depth, size, reads = [(64, 15, 64), (128, 15, 256), (256, 8, 512), (512, 4, 1024)][at]
tall = int(checks.random.integers(1, 3))
deep = dict(f=3, filters=[depth, depth, 4 * depth], s=1 if at == 0 else 2)
calls = [((height, width, channels), other), ((tall * size, size, reads), deep)]

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
    np.random.seed(21)
    X = np.random.randn(2, 6, 7, 4)
    # No difference measured between oneDNN on and off; a wrong layer by 0.01 or more.
    answer = checks.trace((6, 7, 4), f=3, filters=[5, 3, 6])
    figures = [0, 0, 1.4678247, 0.41390675, 0, 0.04675281]
    answer.has_values(X, (1, 1, 2), figures, tolerance=1e-4)
    answer = checks.trace((6, 7, 4), f=3, filters=[5, 3, 6], training=False)
    figures = [0, 0.27399993, 0.87076163, 0.79684573, 0, 0.628229]
    answer.has_values(X, (1, 1, 2), figures, tolerance=1e-5)

with checks("other sizes", points=4):
    for shape, said in calls:
        checks.trace(shape, **said, initializer=tensorflow2.random_uniform).behaves()
