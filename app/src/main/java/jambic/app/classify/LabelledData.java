package jambic.app.classify;

import jambic.app.cli.RunRecord;
import jambic.app.data.SentimentCorpus;
import jambic.app.data.Sha256;
import jambic.app.terminal.Terminal;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.LabelledFile;
import jambic.train.example.LabelledSplit;
import jambic.train.example.LabelledText;
import jambic.train.example.Rows;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Texts of known labels.
 *
 * @param train to learn from
 * @param heldOut to measure with
 * @param labels that are learned, in order
 * @param measured what errors call the texts to measure with
 * @param notices what the user should know
 */
public record LabelledData(
    List<LabelledText> train,
    List<LabelledText> heldOut,
    List<String> labels,
    String measured,
    List<String> notices) {
  private static final double HELD_OUT = 0.2;

  /**
   * Reads what to learn from.
   *
   * @param data a file, or sentiment
   * @param valid the same to measure with; without it a fifth of the data is held back
   */
  public static LabelledData of(String data, Optional<String> valid, Terminal terminal) {
    List<String> notices = new ArrayList<>();
    LabelledSplit parts =
        valid
            .map(held ->
                new LabelledSplit(all(data, terminal, notices), all(held, terminal, notices), 0))
            .orElseGet(() -> split(data, terminal, notices));
    if (parts.repeated() > 0) {
      notices.add(
          Text.format(
              "%s left out, as the same came before",
              parts.repeated() == 1
                  ? "1 text is"
                  : ErrorText.count(parts.repeated(), "text") + " are"));
    }
    List<String> learned = labels(parts.train());
    if (learned.size() < 2) {
      throw new JambicException(
          Text.format(
              "all texts of %s to learn from have the label %s; give texts of two labels at least",
              data, ErrorText.quote(learned.getFirst())));
    }
    // A file to measure with must not bring labels that nothing is learned of.
    List<String> labels = valid.isPresent() ? learned : parts.labels();
    labels.stream()
        .filter(label -> !learned.contains(label))
        .forEach(label ->
            notices.add(
                Text.format(
                    "all texts with the label %s are held back, so that it is not learned; give more of them, or texts to measure with by --valid",
                    ErrorText.quote(label))));
    return new LabelledData(parts.train(), parts.heldOut(), labels, valid.orElse(data), notices);
  }

  /**
   * Reads what to measure with.
   *
   * @param data a file of which all counts, or sentiment; without it what the run held back
   * @param run of the model
   * @param model what errors call it
   */
  public static LabelledData toMeasure(
      Optional<String> data, RunRecord run, Path model, Terminal terminal) {
    if (data.isPresent() && !isSentiment(data.get())) {
      List<String> notices = new ArrayList<>();
      List<LabelledText> rows = all(data.get(), terminal, notices);
      return new LabelledData(List.of(), rows, labels(rows), data.get(), notices);
    }
    String own =
        data.or(run::data)
            .orElseThrow(() ->
                new JambicException(
                    model + " does not say what it learned from; name labelled texts by --data"));
    return of(own, data.isPresent() ? Optional.empty() : run.text(RunRecord.VALID), terminal);
  }

  private static LabelledSplit split(String data, Terminal terminal, List<String> notices) {
    return isSentiment(data)
        ? SentimentCorpus.of(terminal).load()
        : LabelledSplit.byText(data, all(data, terminal, notices), HELD_OUT);
  }

  private static boolean isSentiment(String data) {
    return data.equals(SentimentCorpus.NAME);
  }

  private static List<LabelledText> all(String data, Terminal terminal, List<String> notices) {
    if (isSentiment(data)) {
      LabelledSplit parts = SentimentCorpus.of(terminal).load();
      List<LabelledText> texts = new ArrayList<>(parts.train());
      texts.addAll(parts.heldOut());
      return texts;
    }
    Rows<LabelledText> rows = LabelledFile.read(Path.of(data));
    notices.addAll(rows.notices());
    return rows.rows();
  }

  private static List<String> labels(List<LabelledText> texts) {
    return new LabelledSplit(texts, List.of(), 0).labels();
  }

  /** Identifies all of the texts with their labels, and which of them are held out. */
  public String fingerprint() {
    StringBuilder all = new StringBuilder();
    for (List<LabelledText> part : List.of(train, heldOut)) {
      all.append(part.size()).append('\n');
      part.forEach(row -> all.append(row.label()).append('\0').append(row.text()).append('\0'));
    }
    return Sha256.of(all.toString().getBytes(StandardCharsets.UTF_8));
  }
}
