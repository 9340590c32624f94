classes = int(checks.random.choice([3, 4, 6, 7, 8, 9]))
height, width = (int(size) for size in checks.random.permutation([16, 24, 27, 40])[:2])
other = dict(input_shape=(height, width, 3), classes=classes)

with checks("filters of the stages", points=4):
    checks.trace(**other).has_convolutions()

with checks("pooling and classifier", points=4):
    checks.trace(**other).has_pooling_and_classifier()

with checks("initial weights", points=3):
    checks.trace(**other).has_initial_weights()

with checks("other sizes", points=4):
    checks.trace(**other).behaves()
