package jambic.serve.model;

/** Writes Prometheus' text format, version 0.0.4. */
final class PrometheusText {
  static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final StringBuilder text = new StringBuilder();

  void family(String name, String type, String help) {
    text.append("# HELP ").append(name).append(' ').append(help).append('\n');
    text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  void sample(String name, String model, double value) {
    text.append(name).append("{model_name=\"").append(escaped(model)).append("\"} ");
    number(value);
  }

  void sample(String name, String model, String label, String of, double value) {
    text.append(name)
        .append("{model_name=\"")
        .append(escaped(model))
        .append("\",")
        .append(label)
        .append("=\"")
        .append(escaped(of))
        .append("\"} ");
    number(value);
  }

  private void number(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      text.append((long) value);
    } else {
      text.append(value);
    }
    text.append('\n');
  }

  private static String escaped(String label) {
    return label.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
