package jambic.app.align;

import jambic.app.cli.RunFolder;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.Encoded;
import jambic.train.example.ExampleEncoder;
import jambic.train.example.PreferenceFile;
import jambic.train.example.TokenExample;
import jambic.train.example.TokenPair;
import jambic.train.stage.RowPass;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * How often a reward model finds the better one of two answers.
 *
 * @param pairs how many were read
 * @param accuracy share of those whose better answer scores more
 * @param margin mean of the better answer's score less the other's
 * @param chosen mean score of the better answers
 * @param rejected that of the others
 * @param notices what the user should know of the file
 */
public record PairReport(
    int pairs,
    double accuracy,
    double margin,
    double chosen,
    double rejected,
    List<String> notices) {

  /** Lets the reward model in a folder score both answers of each pair. */
  public static PairReport of(Path folder, Optional<String> data, Backend backend) {
    String file =
        data.orElseThrow(() ->
            new JambicException(
                folder + " is a reward model; name pairs for it to compare with --data"));
    if (!AnswerReport.isFor(file)) {
      throw new JambicException(
          Text.format(
              "%s is a reward model, which compares pairs of answers; give JSON Lines with 'chosen' and 'rejected', not %s",
              folder, file));
    }
    try (Checkpoint<ClassifierConfig, GptClassifier> checkpoint =
            Checkpoint.open(GptClassifier.FORMAT, folder);
        GptClassifier model = checkpoint.model(backend);
        Region region = backend.region()) {
      Tokenizer tokenizer = RunFolder.tokenizer(checkpoint);
      AnswerEncoder encoder =
          new AnswerEncoder(
              tokenizer, ChatTemplate.find(folder), AnswerEncoder.requireEnd(tokenizer));
      int context = checkpoint.config().body().blockSize();
      var rows = PreferenceFile.read(Path.of(file));
      Encoded<TokenPair> encoded = ExampleEncoder.pairs(encoder, rows.rows(), context);
      List<String> notices = new ArrayList<>(rows.notices());
      encoded.dropped().sentence().ifPresent(notices::add);
      RowPass pass = new RowPass(backend, region, RowPass.Head.scores(model), false);
      return of(
          scores(pass, encoded.examples(), TokenPair::chosen, context),
          scores(pass, encoded.examples(), TokenPair::rejected, context),
          notices);
    }
  }

  private static double[] scores(
      RowPass pass, List<TokenPair> pairs, Function<TokenPair, int[]> answer, int context) {
    return pass.ends(
        pairs.stream()
            .map(pair -> TokenExample.of(pair.prompt(), answer.apply(pair)).ids())
            .toList(),
        context);
  }

  private static PairReport of(double[] chosen, double[] rejected, List<String> notices) {
    int right = 0;
    double better = 0;
    double worse = 0;
    for (int i = 0; i < chosen.length; i++) {
      right += chosen[i] > rejected[i] ? 1 : 0;
      better += chosen[i];
      worse += rejected[i];
    }
    int n = chosen.length;
    return new PairReport(
        n, (double) right / n, (better - worse) / n, better / n, worse / n, notices);
  }

  /** For a person. */
  public List<String> lines() {
    return List.of(
        Text.format("pairs     %,d", pairs),
        Text.format("accuracy  %.1f %% of the better answers score more", 100 * accuracy),
        Text.format("margin    %.3f on average", margin),
        Text.format(
            "scores    %.3f for the better answers, %.3f for the others", chosen, rejected));
  }

  /** For a program. */
  public Map<String, Object> toJson() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("pairs", pairs);
    report.put("accuracy", accuracy);
    report.put("margin", margin);
    report.put("mean_chosen", chosen);
    report.put("mean_rejected", rejected);
    return report;
  }
}
