"""Training with a short first step: ``train``, and a check of the result.

``train`` is ``model.fit`` without the expensive part of the first step.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from resnets_utils.graphs.keras_layers import chosen_name
from resnets_utils.graphs.keras_private import adam_averages
from resnets_utils.hinted_errors import StudentError
from resnets_utils.short_run import short_run

# A network memorises one small batch within these steps.
SHORT_RUN_PICTURES = 16
SHORT_RUN_STEPS = 8

# The solution's norm is about 1 after a short run; without a path to the layer it is 0.
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
    moving averages of batch normalisation are those of ``model.fit``. Only rounding
    differs, as between two machines. Nothing outside the model is changed.

    When nbgrader runs the notebook, it trains for a few steps on a few pictures,
    and says so.

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
    elif fit_arguments.get("verbose") != 0:
        print("Building the training step: ten to twenty seconds, then it counts ...", flush=True)
    return fit_quickly(model, X, Y, epochs=epochs, batch_size=batch_size, **fit_arguments)


def fit_quickly(model: Any, X: Any, Y: Any, **fit_arguments: Any) -> keras.callbacks.History:
    """Run ``model.fit`` with a shorter first step, without looking at X and Y."""
    if keras.backend.backend() != "tensorflow" or not model.built:
        return model.fit(X, Y, **fit_arguments)
    _make_variables(model, Y)
    with _shorter_adam(model.optimizer), fused_batch_normalisation(model):
        return model.fit(X, Y, **fit_arguments)


def check_training(model: Any, history: keras.callbacks.History, X: Any, Y: Any) -> None:
    """Print whether the loss fell and whether its gradient reaches the first convolution.

    The model is not changed, its moving averages included.

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
            f"The history holds {len(losses)} losses, and two are needed to see the loss fall.",
            hint="Train for two epochs or more, and pass the result of train(...).",
        )
    first, last = losses[0], losses[-1]
    if not last < first:  # written so that a loss which is not a number is caught too
        raise StudentError(
            f"The loss did not fall: it was {first:.4f} at the start and {last:.4f} at the end.",
            hint="Build a new model, compile it and train it again. If the loss rises again, "
            "run the checks of your blocks and lower the learning rate.",
        )
    print(f"The loss fell from {first:.4f} to {last:.4f}.")
    layer = _first_convolution(model)
    # Keras counts the names that it gives itself, over all networks of the notebook.
    where = "the first convolution"
    if chosen_name(layer.name, "Conv2D"):
        where += f", {layer.name}"
    norm = _gradient_norm(model, layer, X[:SHORT_RUN_PICTURES], Y[:SHORT_RUN_PICTURES])
    if not (math.isfinite(norm) and norm > SMALLEST_GRADIENT):
        raise StudentError(
            f"The loss's gradient does not reach {where}: its norm there is {norm:.3g}.",
            hint="Look for the layer that stops the gradient: follow the model from its input, "
            "and see whether every block uses the result of the block before it.",
        )
    print(f"The gradient reaches {where}: its norm is {norm:.3g}.")


def _checked(model: Any, X: Any, Y: Any, epochs: int, batch_size: int) -> tuple[Any, Any]:
    """Return X and Y as arrays, or raise an error that says why they do not fit."""
    if not isinstance(model, keras.Model):
        raise StudentError(
            f"The model is of class {type(model).__name__}, which is not a Keras model.",
            hint="Pass the result of your function that builds the network.",
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
                f"{name} is {number!r}; it has to be a whole number of 1 or more.",
                hint=f"Leave {name} out to train with the usual number.",
            )
    X, Y = np.asarray(X), np.asarray(Y)
    if X.ndim == 0 or Y.ndim == 0 or len(X) != len(Y) or len(X) == 0:
        raise StudentError(
            f"Every picture needs its class, but X has the shape {X.shape} and Y {Y.shape}.",
            hint="Pass pictures and classes of the same set: train(model, X_train, Y_train)",
        )
    for name, array, shape in (("X", X, model.input_shape), ("Y", Y, model.output_shape)):
        if isinstance(shape, tuple) and not _fits(array.shape, shape):
            raise StudentError(
                f"{name} has the shape {array.shape}, but the model works with {shape}, "
                "where None may be any number.",
                hint="Compare the shapes: pictures are (number, height, width, 3), and one-hot "
                "classes are (number, classes).",
            )
    return X, Y


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        want in (None, size) for size, want in zip(shape, wanted, strict=True)
    )


def _make_variables(model: Any, Y: Any) -> None:
    """Make the optimizer's and the metrics' variables before the training step is traced.

    Keras makes them inside the first trace of the step. TensorFlow then moves each
    variable out of it with a conditional, and traces the step a second time.
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
    """Run Adam's rule as one operation of TensorFlow's for each weight, in this training only.

    Keras writes 30 operations for each of the 214 weights of ResNet-50, and
    tracing them takes longer than tracing the network. Adam with ``amsgrad`` and
    other optimizers keep Keras's operations.
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
    """Return the numbers of Adam's rule that are the same for all weights, as float32 tensors."""
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
    """Run batch normalisation as TensorFlow's one fused operation while training.

    Keras writes it as a dozen operations, each of which passes through memory once,
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
        # The fused operation returns the estimated variance of the population; Keras keeps
        # the variance of the batch.
        values = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], tf.float32)
        moving = (layer.moving_mean, mean), (layer.moving_variance, variance * (1 - 1 / values))
        for average, found in moving:
            average.assign(average * layer.momentum + found * (1 - layer.momentum))
        return output

    return call


def _layers(model: Any) -> list[Any]:
    """Return the model's layers in order, including those of models inside it."""
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
        hint="Pass the result of your function that builds the network.",
    )


def _gradient_norm(model: Any, layer: Any, X: Any, Y: Any) -> float:
    """Return the norm of the loss's gradient for a layer's kernel; 0.0 without a path to it."""
    kept = [(weight, weight.numpy()) for weight in model.non_trainable_variables]
    with tf.GradientTape() as tape:
        output = model(X, training=True)
        loss = model.compute_loss(X, Y, output)
    for weight, value in kept:
        weight.assign(value)
    gradient = tape.gradient(loss, layer.kernel.value)
    return 0.0 if gradient is None else float(tf.norm(gradient))
