"""Training that spends its time on learning: ``train``, and what to look at afterwards.

``train`` is ``model.fit`` with the expensive part of the first step taken out.
Where the time went, and what each remedy wins, is told in docs/training-speed.md.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from resnets_utils.errors import StudentError
from resnets_utils.graphs.keras_private import adam_averages
from resnets_utils.short_run import short_run

# One small batch, seen again and again, is learnt by heart within these steps.
SHORT_RUN_PICTURES = 16
SHORT_RUN_STEPS = 8

# In the solution the norm is of order 1 after a short run; where nothing leads there it is 0.
SMALLEST_GRADIENT = 1e-7


def train(
    model: Any,
    X: Any,
    Y: Any,
    epochs: int = 2,
    batch_size: int = 32,
    **fit_arguments: Any,
) -> keras.callbacks.History:
    """Train a compiled model, as ``model.fit`` does but with a much shorter first step.

    The starting weights, the order of the pictures, the optimizer's rule and the
    moving averages of batch normalisation are those of ``model.fit``; rounding is
    not, as between two machines. Nothing outside the model is changed.

    When nbgrader runs the notebook, a few steps on a few pictures stand in for the
    whole training, and a line says so.

    Args:
        model: a Keras model with one input and one output, already compiled.
        X: pictures, a float array of shape (pictures, height, width, channels).
        Y: their classes, one-hot, an array of shape (pictures, classes).
        epochs: how often to go through all pictures, 1 or more.
        batch_size: pictures per step, 1 or more.
        **fit_arguments: further arguments of ``model.fit``, such as ``verbose``.

    Returns:
        the history that ``model.fit`` returns: ``history.history["loss"]`` holds
        the mean loss of each epoch (of each step in a short run).

    Raises:
        StudentError: if the model is not compiled, or X and Y do not fit it or each other.

    """
    X, Y = _checked(model, X, Y, epochs, batch_size)
    if short_run():
        X, Y = X[:SHORT_RUN_PICTURES], Y[:SHORT_RUN_PICTURES]
        print(
            f"Short run, because nbgrader executes this notebook: {SHORT_RUN_STEPS} steps "
            f"on {len(X)} pictures instead of the whole training."
        )
        epochs, batch_size = SHORT_RUN_STEPS, len(X)
    return fit_quickly(model, X, Y, epochs=epochs, batch_size=batch_size, **fit_arguments)


def fit_quickly(model: Any, X: Any, Y: Any, **fit_arguments: Any) -> keras.callbacks.History:
    """Run ``model.fit`` with a shorter first step; what ``train`` does for X and Y that fit."""
    if keras.backend.backend() != "tensorflow" or not model.built:
        return model.fit(X, Y, **fit_arguments)
    _make_variables(model, Y)
    with _shorter_adam(model.optimizer), fused_batch_normalisation(model):
        return model.fit(X, Y, **fit_arguments)


def check_training(model: Any, history: keras.callbacks.History, X: Any, Y: Any) -> None:
    """Say whether the loss fell and whether the first convolution is being taught.

    The model is left as it was, its moving averages included.

    Args:
        model: the trained model, still compiled.
        history: what ``train`` or ``model.fit`` returned.
        X: pictures, a float array of shape (pictures, height, width, channels);
            the first 16 are used.
        Y: their classes, one-hot, an array of shape (pictures, classes).

    Raises:
        StudentError: if the loss did not fall, or the gradient of the loss with
            respect to the first convolution's kernel is missing, not finite or
            practically zero.

    """
    X, Y = _checked(model, X, Y, 1, 1)
    losses = [float(loss) for loss in history.history.get("loss", [])]
    if len(losses) < 2:
        raise StudentError(
            f"The history holds {len(losses)} losses, and two are needed to see one fall.",
            hint="Train for two epochs or more, and pass what `train` returned.",
        )
    first, last = losses[0], losses[-1]
    if not last < first:  # so that a loss which is not a number is caught, too
        raise StudentError(
            f"The loss did not fall: it was {first:.4f} at first and {last:.4f} at last.",
            hint="Make a new model, compile it and train it again. If the loss rises again, "
            "look at the blocks' checks and at the learning rate.",
        )
    print(f"The loss fell from {first:.4f} to {last:.4f}.")
    layer = _first_convolution(model)
    norm = _gradient_norm(model, layer, X[:SHORT_RUN_PICTURES], Y[:SHORT_RUN_PICTURES])
    if not (math.isfinite(norm) and norm > SMALLEST_GRADIENT):
        raise StudentError(
            f"The loss does not teach the first convolution, {layer.name}: "
            f"its gradient has a norm of {norm:.3g}.",
            hint="Some layer between it and the output stops the gradient. Follow the model "
            "from its input and see whether every block uses what the one before it returned.",
        )
    print(f"The gradient reaches the first convolution, {layer.name}: its norm is {norm:.3g}.")


def _checked(model: Any, X: Any, Y: Any, epochs: int, batch_size: int) -> tuple[Any, Any]:
    """Return X and Y as arrays, or say in words why they cannot be trained on."""
    if not isinstance(model, keras.Model):
        raise StudentError(
            f"The model is of class {type(model).__name__}, which is not a Keras model.",
            hint="Pass what your function that builds the network returned.",
        )
    if not model.compiled:
        raise StudentError(
            "The model is not compiled, so it has no loss and no optimizer yet.",
            hint='Run model.compile(optimizer="adam", loss="categorical_crossentropy", '
            'metrics=["accuracy"]) first.',
        )
    for name, number in (("epochs", epochs), ("batch_size", batch_size)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise StudentError(
                f"{name} is {number!r}, but has to be a whole number of 1 or more.",
                hint="Leave it out to train with the usual one.",
            )
    X, Y = np.asarray(X), np.asarray(Y)
    if X.ndim == 0 or Y.ndim == 0 or len(X) != len(Y) or len(X) == 0:
        raise StudentError(
            f"Every picture needs its class, but X has the shape {X.shape} and Y {Y.shape}.",
            hint="Pass pictures and classes of the same set, both for training.",
        )
    for name, array, shape in (("X", X, model.input_shape), ("Y", Y, model.output_shape)):
        if isinstance(shape, tuple) and not _fits(array.shape, shape):
            raise StudentError(
                f"{name} has the shape {array.shape}, but the model works with {shape}, "
                "where None may be any number.",
                hint="Pictures are (number, height, width, 3) and classes one-hot, "
                "(number, classes); print the shapes and compare.",
            )
    return X, Y


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        want in (None, size) for size, want in zip(shape, wanted, strict=True)
    )


def _make_variables(model: Any, Y: Any) -> None:
    """Make the optimizer's and the metrics' variables before the training step is traced.

    Keras makes them inside the first trace of the step. TensorFlow then lifts each
    variable out through a conditional of its own, and traces the step a second time.
    """
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    if isinstance(model.output_shape, tuple):
        truth = np.zeros((1, *Y.shape[1:]), Y.dtype)
        output = tf.zeros((1, *(size or 1 for size in model.output_shape[1:])))
        model.compute_loss(None, truth, output)
        model.compute_metrics(None, truth, output)
        model.reset_metrics()


@contextlib.contextmanager
def _shorter_adam(optimizer: Any) -> Iterator[None]:
    """Let Adam's rule run as TensorFlow's one operation a weight, for this training only.

    Keras writes 30 operations for each of the 214 weights of ResNet-50, and
    tracing them takes longer than tracing the network. Adam with ``amsgrad`` and
    other optimizers are left as they are.
    """
    if type(optimizer) is not keras.optimizers.Adam or optimizer.amsgrad:
        yield
        return
    plain_step, averages = optimizer.update_step, adam_averages(optimizer)
    figures: dict[Any, dict[str, Any]] = {}

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        pair = averages(variable)
        fits = variable.dtype == tf.float32 and isinstance(gradient, tf.Tensor)
        if pair is None or not fits:
            plain_step(gradient, variable, learning_rate)
            return
        graph = tf.compat.v1.get_default_graph()
        if graph not in figures:
            figures[graph] = _adam_figures(optimizer, learning_rate)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=pair[0].value.handle,
            v=pair[1].value.handle,
            grad=gradient,
            **figures[graph],
        )

    optimizer.update_step = update_step
    try:
        yield
    finally:
        del optimizer.update_step


def _adam_figures(optimizer: Any, learning_rate: Any) -> dict[str, Any]:
    """Return what Adam's rule needs and is the same for all weights, as float32 tensors."""
    step = tf.cast(optimizer.iterations.value + 1, tf.float32)
    figures = {
        "lr": learning_rate,
        "beta1": optimizer.beta_1,
        "beta2": optimizer.beta_2,
        "beta1_power": tf.pow(optimizer.beta_1, step),
        "beta2_power": tf.pow(optimizer.beta_2, step),
        "epsilon": optimizer.epsilon,
    }
    return {name: tf.cast(figure, tf.float32) for name, figure in figures.items()}


@contextlib.contextmanager
def fused_batch_normalisation(model: Any) -> Iterator[None]:
    """Let batch normalisation run as TensorFlow's one fused operation while training.

    Keras writes it as a dozen operations, each of which goes through memory once,
    and the gradient has twice as many.
    """
    layers = [layer for layer in _layers(model) if _can_be_fused(layer)]
    for layer in layers:
        layer.call = _fused_call(layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def _can_be_fused(layer: Any) -> bool:
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.axis in (3, -1)
        and layer.input_spec.ndim == 4
        and layer.center
        and layer.scale
        and layer.trainable
        and layer.compute_dtype == layer.variable_dtype == "float32"
        and not layer.synchronized
    )


def _fused_call(layer: Any) -> Any:
    plain_call = layer.call

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not training or mask is not None:
            return plain_call(inputs, training=training, mask=mask)
        output, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, layer.gamma.value, layer.beta.value, epsilon=layer.epsilon
        )
        # The fused operation returns the variance of the population that the batch was
        # drawn from; Keras keeps that of the batch.
        values = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], tf.float32)
        moving = (layer.moving_mean, mean), (layer.moving_variance, variance * (1 - 1 / values))
        for average, found in moving:
            average.assign(average * layer.momentum + found * (1 - layer.momentum))
        return output

    return call


def _layers(model: Any) -> list[Any]:
    """Return the model's layers from its input on, those of models inside it included."""
    found: list[Any] = []
    for layer in model.layers:
        found += _layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _first_convolution(model: Any) -> Any:
    for layer in _layers(model):
        if isinstance(layer, keras.layers.Conv2D):
            return layer
    raise StudentError(
        "The model has no two-dimensional convolution.",
        hint="Pass what your function that builds the network returned.",
    )


def _gradient_norm(model: Any, layer: Any, X: Any, Y: Any) -> float:
    """Return the norm of the loss's gradient for the layer's kernel; 0.0 if nothing leads there."""
    kept = [(weight, weight.numpy()) for weight in model.non_trainable_variables]
    with tf.GradientTape() as tape:
        output = model(X, training=True)
        loss = model.compute_loss(X, Y, output)
    for weight, value in kept:
        weight.assign(value)
    gradient = tape.gradient(loss, layer.kernel.value)
    return 0.0 if gradient is None else float(tf.norm(gradient))
