# An even number of rows and columns is left for the average pooling, so that
# padding it or not is the same.
classes = int(checks.random.choice([3, 4, 5, 8, 9, 11]))
height = int(checks.random.choice([128, 192]))
wide = dict(input_shape=(height, 64, 3), classes=classes)
# Students' folders hold the network of the visible checks; this one they cannot have.
tall = dict(input_shape=(height, 64, 3), classes=6)

with checks("filters and strides of the blocks", points=6):
    checks.trace(**tall).has_convolutions()

with checks("pooling and classifier", points=4):
    checks.trace(**wide).has_pooling_and_classifier()

with checks("initial weights", points=3):
    checks.trace(**tall).has_initial_weights()

with checks("mode of the blocks", points=4):
    checks.trace(**wide).has_normalisation()

with checks("seeded outputs", points=4):
    # The network that students' folders hold has these figures, too.
    checks.trace(**tall).has_convolutions()
    np.random.seed(22)
    X = np.random.rand(4, 64, 64, 3)
    figures = [0.00579794, 0.8852519, 0.03263846, 0.02492297, 0.01950322, 0.03188556]
    answer = checks.trace(input_shape=(64, 64, 3), classes=6)
    # Measured 3e-6 apart with oneDNN on and off; a wrong layer by 0.01 or more.
    answer.has_values(X, (0,), figures, tolerance=1e-3)

with checks("other sizes", points=5):
    checks.trace(**wide).behaves()
