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

with checks("names in other calls", points=4):
    checks.trace(**tall).has_layer_names()

with checks("seeded outputs", points=4):
    # The network that students' folders hold has these figures, too.
    checks.trace(**tall).has_convolutions()
    np.random.seed(22)
    X = np.random.rand(1, 64, 64, 3)
    figures = [0.24001031, 0.17665492, 0.10961555, 0.09742132, 0.20722054, 0.16907737]
    answer = checks.trace(input_shape=(64, 64, 3), classes=6)
    answer.has_values(X, (0,), figures, tolerance=1e-4)

with checks("other sizes", points=5):
    checks.trace(**wide).behaves()
