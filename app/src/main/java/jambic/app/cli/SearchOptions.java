package jambic.app.cli;

import jambic.model.translator.BeamSearch.LengthPenalty;
import jambic.model.translator.TranslationPipeline;
import jambic.model.translator.TranslationSettings;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How translations are searched for, where that is not what the model is stored with. */
public final class SearchOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--beam",
      paramLabel = "N",
      description = "Hypotheses to search with, 1: greedy. Default: what the model is stored with.")
  private Optional<Integer> beam = Optional.empty();

  /** Refuses a number that no model can search with. */
  public void requireValid() {
    if (beam.isPresent() && beam.get() < 1) {
      throw wrong(Text.format("--beam must be at least 1, not %d", beam.get()));
    }
  }

  /** The pipeline that searches so; to close either closes the model. */
  public TranslationPipeline of(
      TranslationPipeline stored, Optional<String> penalty, Optional<Integer> maxLength) {
    TranslationSettings settings = stored.settings();
    int mostBeams = Math.max(1, stored.model().vocabSize() / 2);
    int longest = stored.model().config().maxLength();
    if (beam.isPresent()) {
      if (beam.get() > mostBeams) {
        throw wrong(
            Text.format(
                "--beam can be at most %d, half the model's vocabulary, not %d",
                mostBeams, beam.get()));
      }
      settings = settings.withBeams(beam.get());
    }
    if (penalty.isPresent()) {
      settings = settings.withPenalty(penalty(penalty.get()));
    }
    if (maxLength.isPresent()) {
      if (maxLength.get() < 1 || maxLength.get() > longest) {
        throw wrong(
            Text.format(
                "--max-length must be from 1 to %d, what the model can write, not %d",
                longest, maxLength.get()));
      }
      settings = settings.withMaxTokens(maxLength.get());
    }
    return stored.with(settings);
  }

  /** Reads a length penalty. */
  public LengthPenalty penalty(String text) {
    try {
      return LengthPenalty.parse(text);
    } catch (JambicException e) {
      throw wrong("--length-penalty: " + e.getMessage());
    }
  }

  private ParameterException wrong(String sentence) {
    return new ParameterException(spec.commandLine(), sentence);
  }
}
