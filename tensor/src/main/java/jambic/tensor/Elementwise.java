package jambic.tensor;

import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.ElementwiseKernels;
import java.util.List;

/** How {@link Ops} computes element by element, and the derivatives. */
final class Elementwise {
  private Elementwise() {}

  /** As {@link Ops#dropout}. */
  static Tensor dropout(Ops ops, Tensor x, float p) {
    Checks.activations(ops, "dropout", x);
    Checks.probability("dropout", p);
    Dropout site = ops.dropoutSite(p);
    if (site.isNone()) {
      return x;
    }
    ElementwiseKernels kernels = ops.backend().elementwise();
    Tensor out = ops.canReuse(x) ? ops.reuse("dropout", x) : ops.activations(x.shape());
    ops.launch("elementwise.dropout", () -> kernels.dropout(out, x, site));
    ops.record(
        out,
        false,
        List.of(),
        List.of(x),
        (tape, dout) -> {
          Tensor dx = tape.writableGradient(out);
          tape.launchBack("elementwise.dropout", () -> kernels.dropout(dx, dx, site));
          tape.addGradient(x, dx);
        });
    return out;
  }

  /** As {@link Ops#scale}. */
  static Tensor scale(Ops ops, Tensor x, float factor) {
    Checks.activations(ops, "scale", x);
    Checks.require(Float.isFinite(factor), "scale: the factor must be finite, got %s", factor);
    ElementwiseKernels kernels = ops.backend().elementwise();
    Tensor out = ops.canReuse(x) ? ops.reuse("scale", x) : ops.activations(x.shape());
    ops.launch("elementwise.scale", () -> kernels.scale(out, x, factor));
    ops.record(
        out,
        false,
        List.of(),
        List.of(x),
        (tape, dout) -> {
          Tensor dx = tape.writableGradient(out);
          tape.launchBack("elementwise.scale", () -> kernels.scale(dx, dx, factor));
          tape.addGradient(x, dx);
        });
    return out;
  }

  /** As {@link Ops#multiply}. */
  static Tensor multiply(Ops ops, Tensor a, Tensor b) {
    Checks.activations(ops, "multiply", a, b);
    Checks.require(a.shape().equals(b.shape()), "multiply: a %s and b %s differ", a, b);
    ElementwiseKernels kernels = ops.backend().elementwise();
    Tensor out = ops.activations(a.shape());
    ops.launch("elementwise.multiply", () -> kernels.multiply(out, a, b));
    ops.record(
        out,
        false,
        List.of(),
        List.of(a, b),
        (tape, dout) -> {
          tape.into("elementwise.multiply", a, da -> () -> kernels.multiply(da, dout, b));
          tape.into("elementwise.multiply", b, db -> () -> kernels.multiply(db, dout, a));
        });
    return out;
  }

  /** As {@link Ops#residual}. */
  static Tensor residual(Ops ops, Tensor x, Tensor y, float p) {
    Checks.activations(ops, "residual", x, y);
    Checks.require(x.shape().equals(y.shape()), "residual: x %s and y %s differ", x, y);
    Checks.probability("residual", p);
    Dropout site = ops.dropoutSite(p);
    ElementwiseKernels kernels = ops.backend().elementwise();
    Tensor out = ops.canReuse(y) ? ops.reuse("residual", y) : ops.activations(x.shape());
    ops.launch("elementwise.residual", () -> kernels.residual(out, x, y, site));
    ops.record(
        out,
        false,
        List.of(),
        List.of(x, y),
        (tape, dout) -> {
          if (site.isNone()) {
            tape.addGradient(y, dout);
          } else {
            tape.into("elementwise.dropout", y, dy -> () -> kernels.dropout(dy, dout, site));
          }
          tape.addGradient(x, dout);
        });
    return out;
  }
}
