package jambic.app.plan;

import jambic.tensor.text.Text;
import jambic.train.parallel.DataParallel;
import jambic.train.plan.ScaleOut;
import java.util.LinkedHashMap;
import java.util.Map;

/** What several devices cost and save, in words and in JSON. */
final class ScaleOutReport {
  private ScaleOutReport() {}

  static void text(StringBuilder out, ScaleOut scale, int microBatches) {
    Figures.line(out, "");
    Figures.line(
        out,
        "devices      %,d over %s, as assumed; --network names another",
        scale.devices(),
        scale.network());
    Figures.line(
        out,
        "             each sends %s a step (gradients to their sums, weights back), which takes %s",
        Figures.human((long) scale.bytes()),
        Figures.duration(scale.communication()));
    boolean starts = DataParallel.divides(microBatches, scale.devices());
    if (starts) {
      Figures.line(
          out,
          "             beside %s of computing, if none of it is hidden: efficiency %s %%, a step in"
              + " %s",
          Figures.duration(scale.compute()),
          Figures.number(100 * scale.efficiency()),
          Figures.duration(scale.compute() + scale.communication()));
    }
    Figures.line(
        out,
        "             memory a device: %s with all moments, %s with a shard of them (ZeRO-1), %s"
            + " with all divided (ZeRO-3)",
        Figures.human(scale.replicated()),
        Figures.human(scale.sharded()),
        Figures.human(scale.dividedAll()));
    fit(out, scale);
    if (!starts) {
      Figures.line(
          out,
          "             jambic train does not start so: ranks must be a power of two that divides"
              + " %,d micro batches, at most %,d",
          microBatches,
          DataParallel.lanes(microBatches));
    }
  }

  private static void fit(StringBuilder out, ScaleOut scale) {
    if (scale.fits()) {
      return;
    }
    Figures.line(
        out,
        "             %s",
        scale.leastSharded().isPresent()
            ? Text.format(
                "does not fit with ZeRO-1 on %,d; on %,d it does",
                scale.devices(), scale.leastSharded().getAsInt())
            : "does not fit with ZeRO-1 on any number: it needs tensor or pipeline parallelism, or"
                + " ZeRO-3, which Jambic does not have");
  }

  static Map<String, Object> fields(ScaleOut scale, int microBatches) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("network", scale.network().name());
    fields.put("bytes_per_step", scale.bytes());
    fields.put("communication_s", scale.communication());
    fields.put("compute_s", scale.compute());
    if (DataParallel.divides(microBatches, scale.devices())) {
      fields.put("efficiency", scale.efficiency());
    }
    fields.put("memory_replicated", scale.replicated());
    fields.put("memory_zero1", scale.sharded());
    fields.put("memory_zero3", scale.dividedAll());
    fields.put("fits_zero1", scale.fits());
    scale.leastSharded().ifPresent(count -> fields.put("least_devices_zero1", count));
    return fields;
  }
}
