package jambic.app.align;

import jambic.app.cli.RunFolder;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.policy.AnswerScorer;
import jambic.train.policy.MatchRater;
import jambic.train.policy.Reward;
import jambic.train.policy.SentimentRater;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Who says how good answers are: {@code exact}, {@code graded}, {@code sentiment:FILE} or the
 * folder of a reward model.
 *
 * @param name what was typed
 */
public record RewardOption(String name) {
  /** Help for whatever names a reward. */
  public static final String HELP =
      "Who scores answers: the folder of a reward model ('jambic reward'); exact, 1 for the right"
          + " answer of the row and else 0; graded, which also tells wrong answers apart; sentence, which"
          + " also prefers whole sentences; or sentiment:FILE, a list of words with values.";

  /** What run.json calls it. */
  static final String KEY = "reward";

  private static final String SENTIMENT = "sentiment:";

  /** What was typed, or what a resumed run has. */
  static RewardOption of(StageSession<?> session, Optional<String> typed) {
    return new RewardOption(
        session.needed(KEY, typed.map(name -> new RewardOption(name).lasting())));
  }

  /** A name that means the same from anywhere. */
  private String lasting() {
    if (rater().isPresent()) {
      return name.startsWith(SENTIMENT)
          ? SENTIMENT + Path.of(name.substring(SENTIMENT.length())).toAbsolutePath().normalize()
          : name;
    }
    return Path.of(name).toAbsolutePath().normalize().toString();
  }

  /** A function of text, if it is one. */
  Optional<Reward> rater() {
    if (name.startsWith(SENTIMENT)) {
      return Optional.of(SentimentRater.read(Path.of(name.substring(SENTIMENT.length()))));
    }
    return switch (name) {
      case "exact" -> Optional.of(MatchRater.EXACT);
      case "graded" -> Optional.of(MatchRater.GRADED);
      case "sentence" -> Optional.of(MatchRater.SENTENCE);
      default -> Optional.empty();
    };
  }

  /** The reward model's checkpoint, if it is one. */
  Path model() {
    Path path = Path.of(name);
    if (!Files.exists(path)) {
      throw new JambicException(
          Text.format(
              "there is no reward %s; give the folder of a reward model, exact, graded, sentence or sentiment:FILE",
              name));
    }
    return RunFolder.checkpoint(path);
  }

  /** The reward model, to be closed. */
  GptClassifier load(Backend backend, Tokenizer policy) {
    Path folder = model();
    try (Checkpoint<ClassifierConfig, GptClassifier> checkpoint =
        Checkpoint.open(GptClassifier.FORMAT, folder)) {
      if (!checkpoint.tokenizer().equals(Optional.of(policy))) {
        throw new JambicException(
            Text.format(
                "the reward model in %s has another tokenizer than the policy; train it with --init of that policy",
                folder));
      }
      ClassifierConfig stored = checkpoint.config();
      return checkpoint.model(backend, stored.withBody(stored.body().withDropout(0, 0, 0)));
    }
  }

  /** The scorer, and what has to be closed behind it. */
  public AnswerScorer scorer(Backend backend, Tokenizer policy) {
    Optional<Reward> rater = rater();
    if (rater.isPresent()) {
      return AnswerScorer.of(rater.get(), policy);
    }
    return AnswerScorer.of(load(backend, policy));
  }

  /** Identifies it. */
  String fingerprint() {
    return rater().isPresent() ? name : StageSession.sha256Of(model());
  }
}
