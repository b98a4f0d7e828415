package jambic.app.classify;

import jambic.model.classifier.TextClassifier;
import jambic.model.io.ErrorText;
import jambic.tensor.text.Text;
import jambic.train.classify.ClassifierTraining;
import jambic.train.classify.LabelEncoder;
import jambic.train.metric.ClassificationScores;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * How well a classifier tells the labels of texts.
 *
 * @param data what the texts are called
 * @param scores what came of them
 * @param notices what the user should know
 */
public record ClassificationReport(String data, ClassificationScores scores, List<String> notices) {
  private static final int LONGEST = 24; // of a label in the table

  /**
   * Measures a classifier.
   *
   * @throws jambic.tensor.JambicException if the texts have a label that it does not know
   */
  public static ClassificationReport of(TextClassifier classifier, LabelledData data) {
    LabelEncoder encoder =
        new LabelEncoder(
            classifier.tokenizer(),
            classifier.model().config().labels(),
            classifier.model().config().body().blockSize());
    LabelEncoder.Encoded encoded = encoder.encode(data.measured(), data.heldOut());
    List<String> notices = new ArrayList<>(data.notices());
    encoded.sentence().ifPresent(notices::add);
    return new ClassificationReport(
        data.measured(), ClassifierTraining.measure(classifier.model(), encoded.texts()), notices);
  }

  /** For a script. */
  public Map<String, Object> toJson() {
    List<String> labels = scores.labels();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("data", data);
    json.put("texts", scores.count());
    json.put("accuracy", scores.accuracy());
    json.put("f1", scores.macroF1());
    Map<String, Object> byLabel = new LinkedHashMap<>();
    List<List<Long>> confusion = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("precision", scores.precision(i));
      one.put("recall", scores.recall(i));
      one.put("f1", scores.f1(i));
      one.put("texts", count(i));
      byLabel.put(labels.get(i), one);
      int actual = i;
      confusion.add(
          IntStream.range(0, labels.size())
              .mapToObj(told -> scores.confusion(actual, told))
              .toList());
    }
    json.put("by_label", byLabel);
    json.put("labels", labels);
    json.put("confusion", confusion);
    return json;
  }

  /** For a person. */
  public List<String> lines() {
    List<String> labels = scores.labels();
    List<String> lines = new ArrayList<>();
    lines.add(Text.format("texts     %s of %s", ErrorText.count(scores.count(), "text"), data));
    lines.add(Text.format("accuracy  %.1f %%", 100 * scores.accuracy()));
    lines.add(Text.format("macro F1  %.1f %%", 100 * scores.macroF1()));
    int name =
        Math.max(5, IntStream.range(0, labels.size()).map(i -> name(i).length()).max().orElse(0));
    lines.add("");
    lines.add(pad("label", name) + "  precision  recall      F1    texts");
    for (int i = 0; i < labels.size(); i++) {
      lines.add(
          Text.format(
              "%s    %5.1f %% %5.1f %% %5.1f %% %8d",
              pad(name(i), name),
              100 * scores.precision(i),
              100 * scores.recall(i),
              100 * scores.f1(i),
              count(i)));
    }
    lines.add("");
    lines.add("Rows are the right labels, columns what the model said:");
    StringBuilder head = new StringBuilder(" ".repeat(name));
    for (int told = 0; told < labels.size(); told++) {
      head.append("  ").append(" ".repeat(width(told) - name(told).length())).append(name(told));
    }
    lines.add(head.toString());
    for (int actual = 0; actual < labels.size(); actual++) {
      StringBuilder row = new StringBuilder(pad(name(actual), name));
      for (int told = 0; told < labels.size(); told++) {
        String number = Long.toString(scores.confusion(actual, told));
        row.append("  ").append(" ".repeat(width(told) - number.length())).append(number);
      }
      lines.add(row.toString());
    }
    return lines;
  }

  private long count(int label) {
    return IntStream.range(0, scores.labels().size())
        .mapToLong(told -> scores.confusion(label, told))
        .sum();
  }

  private String name(int label) {
    String name = scores.labels().get(label);
    return name.length() > LONGEST ? name.substring(0, LONGEST - 1) + "…" : name;
  }

  private int width(int told) {
    return Math.max(name(told).length(), Long.toString(scores.count()).length());
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(width - text.length());
  }
}
