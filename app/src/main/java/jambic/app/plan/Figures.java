package jambic.app.plan;

import jambic.tensor.Precision;
import jambic.tensor.text.Text;
import jambic.train.plan.DeviceSpec;
import jambic.train.plan.MemoryEstimate;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.LinkedHashMap;
import java.util.Map;

/** Figures as people read them. */
final class Figures {
  private static final String[] PREFIXES = {"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
  private static final String[] NUMERALS = {
    "", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"
  };

  private Figures() {}

  static String human(long bytes) {
    return MemoryEstimate.human(bytes);
  }

  static String count(double value) {
    return scaled(value, NUMERALS).strip();
  }

  /** 8.55e8 is 855 MFLOP. */
  static String flop(double value) {
    return scaled(value, PREFIXES) + "FLOP";
  }

  /** Three digits and a unit's prefix: 8.55e8 is 855 M. */
  private static String scaled(double value, String... prefixes) {
    int prefix = 0;
    while (value >= 999.5 && prefix < prefixes.length - 1) {
      value /= 1000;
      prefix++;
    }
    return number(value) + " " + prefixes[prefix];
  }

  /** Three digits where there are so many, and no empty decimals. */
  static String number(double value) {
    String text = Text.format(value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
    return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
  }

  /** A learning rate: 3.0E-4 is 3e-4, and no more digits than three. */
  static String rate(double value) {
    double rounded = new BigDecimal(value).round(new MathContext(3)).doubleValue();
    return Double.toString(rounded).replace(".0E", "e").replace('E', 'e');
  }

  static String duration(double seconds) {
    if (seconds < 1) {
      return number(seconds * 1e3) + " ms";
    }
    if (seconds < 120) {
      return number(seconds) + " s";
    }
    if (seconds < 7200) {
      return number(seconds / 60) + " minutes";
    }
    if (seconds < 2 * 86_400) {
      return number(seconds / 3600) + " hours";
    }
    return seconds < 730 * 86_400.0
        ? number(seconds / 86_400) + " days"
        : Text.format("%s years", Text.format("%,.0f", seconds / 86_400 / 365.25));
  }

  static Map<String, Object> memory(MemoryEstimate memory) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("weights", memory.weights());
    fields.put("gradients", memory.gradients());
    fields.put("moments", memory.moments());
    fields.put("activations", memory.activations());
    fields.put("total", memory.total());
    if (!memory.regions().isEmpty()) {
      fields.put("regions", taken(memory));
    }
    return fields;
  }

  /** What a run takes of a device, and whether that has it. */
  static void memory(
      StringBuilder out, MemoryEstimate memory, DeviceSpec device, long least, String flag) {
    line(out, "");
    line(
        out,
        "memory       %s a device, for a micro batch: weights %s, gradients %s, moments %s, activations %s",
        human(memory.total()),
        human(memory.weights()),
        human(memory.gradients()),
        human(memory.moments()),
        human(memory.activations()));
    line(
        out,
        "             %s",
        device.precision() != Precision.FP32
            ? "mixed precision: activations in bfloat16, and a copy of the weights; all else in 32 bits"
            : Text.format(
                "32 bits throughout, as the CPU backend computes; its regions take %s, in chunks",
                human(taken(memory))));
    String has = Text.format("%s has %s", device.name(), human(device.memory()));
    if (memory.total() <= device.memory()) {
      line(out, "             fits: %s", has);
    } else if (least == 0) {
      line(
          out,
          "             does not fit: %s, less than the activations of one micro batch; lower %s",
          has,
          flag);
    } else {
      line(
          out,
          "             does not fit: %s; divided evenly, as ZeRO's third stage does it, it needs %,d of them",
          has,
          least);
    }
  }

  private static long taken(MemoryEstimate memory) {
    return memory.regions().stream().mapToLong(Long::longValue).sum();
  }

  static void line(StringBuilder out, String format, Object... values) {
    out.append(Text.format(format, values)).append(System.lineSeparator());
  }
}
