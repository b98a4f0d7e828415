package jambic.app.cli;

import jambic.model.gpt.Gpt;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How many bits the weights of a model have that is not trained. */
public final class Quantization {
  private enum Type {
    INT8;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Option(
      names = "--quantize",
      paramLabel = "int8",
      description = {
        "Round the weights to 8 bits: a quarter of what a new token reads, a little more loss.",
        "Default: 32 bits."
      })
  private Optional<Type> type = Optional.empty();

  /** The model to use, which is the caller's to close in place of the one given. */
  public Gpt of(Gpt model) {
    if (type.isEmpty()) {
      return model;
    }
    try (model) {
      return model.quantized();
    }
  }

  /** What it is called, empty where nothing is rounded. */
  public Optional<String> name() {
    return type.map(Type::toString);
  }
}
