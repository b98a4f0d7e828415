package jambic.app.classify;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.classifier.Classification;
import jambic.model.classifier.TextClassifier;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.classify.LabelEncoder;
import jambic.train.data.TextLines;
import jambic.train.data.Utf8Reader;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Prints what a classifier says of texts, a line for each. */
public final class LabelPrinter {
  /** Texts that are classified together: enough to sort them by length. */
  private static final int WINDOW = 512;

  private static final String STDIN = "standard input";

  private final TextClassifier classifier;
  private final LabelEncoder encoder;
  private final boolean json;
  private final PrintWriter out;
  private final List<String> texts = new ArrayList<>(); // that wait
  private final List<int[]> tokens = new ArrayList<>(); // of each
  private int printed;
  private int cut;

  /**
   * Prints nothing yet.
   *
   * @param json whether a line is a JSON object, or the label and then the probability of each
   */
  public LabelPrinter(TextClassifier classifier, boolean json, PrintWriter out) {
    this.classifier = classifier;
    this.json = json;
    this.out = out;
    encoder =
        new LabelEncoder(
            classifier.tokenizer(),
            classifier.model().config().labels(),
            classifier.model().config().body().blockSize());
  }

  /** Classifies texts. */
  public void print(List<String> all) {
    for (int i = 0; i < all.size(); i++) {
      add(all.get(i), all.size() == 1 ? "the text" : "text " + (i + 1));
    }
    flush();
  }

  /** Classifies lines as they come; what was read before an error is printed. */
  public void print(InputStream in) {
    TextLines lines =
        new TextLines((number, line) ->
            add(
                line.endsWith("\r") ? line.substring(0, line.length() - 1) : line,
                Text.format("%s, line %d", STDIN, number)));
    Utf8Reader.read(
        in,
        STDIN,
        part -> {
          lines.accept(part);
          flush();
        });
    lines.end();
    flush();
  }

  /** Says how many texts lost their end. */
  public Optional<String> notice() {
    return LabelEncoder.sentence(cut, printed, encoder.maxTokens());
  }

  private void add(String text, String place) {
    int[] ids;
    try {
      ids = text.isBlank() ? new int[0] : encoder.tokens(text);
      if (ids.length == 0) {
        throw new JambicException("it is empty, and a label needs some text");
      }
    } catch (JambicException e) {
      flush();
      throw new JambicException(place + ": " + e.getMessage(), e);
    }
    texts.add(text);
    tokens.add(encoder.cut(ids));
    cut += ids.length > encoder.maxTokens() ? 1 : 0;
    if (texts.size() == WINDOW) {
      flush();
    }
  }

  private void flush() {
    if (texts.isEmpty()) {
      return;
    }
    List<Classification> told = classifier.classifyTokens(tokens);
    for (int i = 0; i < told.size(); i++) {
      out.println(json ? toJson(texts.get(i), told.get(i)) : line(told.get(i)));
    }
    out.flush();
    printed += told.size();
    texts.clear();
    tokens.clear();
  }

  private static String line(Classification told) {
    StringBuilder line = new StringBuilder(told.label());
    told.probabilities()
        .forEach((label, share) -> line.append(Text.format("\t%s %.4f", label, share)));
    return line.toString();
  }

  private static String toJson(String text, Classification told) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("text", text);
    fields.put("label", told.label());
    fields.put("probability", told.probability());
    fields.put("probabilities", told.probabilities());
    try {
      return JSON.std.asString(fields);
    } catch (IOException e) {
      throw new IllegalStateException("numbers and strings always have JSON", e);
    }
  }
}
