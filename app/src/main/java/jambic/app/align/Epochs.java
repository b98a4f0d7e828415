package jambic.app.align;

import picocli.CommandLine.Option;

/** How long a stage lasts that goes through examples, and what of them is held back. */
final class Epochs {
  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "How often each example is seen; --max-iters overrides it. Default: 3.")
  private double epochs = 3;

  double epochs() {
    return epochs;
  }
}
