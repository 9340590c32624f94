# Every call below has arguments that nobody can know beforehand, so that no
# recorded answer fits; seeded outputs are the exception.
from resnets_utils import tensorflow2

f = int(checks.random.integers(3, 6))
channels, F1, F2, F3 = (int(count) for count in checks.random.permutation([3, 4, 5, 7, 8])[:4])
other = dict(f=f, filters=[F1, F2, F3], s=3)

# The same in ResNet-50, in a stage that nobody can know beforehand either.
at = int(checks.random.integers(4))
width, size, depth = [(64, 15, 64), (128, 15, 256), (256, 8, 512), (512, 4, 1024)][at]
deep = dict(f=3, filters=[width, width, 4 * width], s=1 if at == 0 else 2)
calls = [((7, 9, channels), other), ((size, size, depth), deep)]

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
