package jambic.app;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.TextFile;
import jambic.train.metric.Bleu;
import jambic.train.metric.BleuScore;
import jambic.train.metric.ChrF;
import jambic.train.metric.ExactMatch;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How near translations come to their references.
 *
 * @param bleu sacreBLEU's BLEU with its default settings
 * @param chrF sacreBLEU's chrF with its default settings
 * @param exact how many lines are equal
 */
record BleuReport(BleuScore bleu, double chrF, ExactMatch exact) {
  private static final String BLEU = Bleu.STANDARD.signature(1);
  private static final String CHRF = ChrF.STANDARD.signature(1);

  /** Compares lines with those at the same place; there are as many of them. */
  static BleuReport of(List<String> translations, List<String> references) {
    List<List<String>> only = List.of(references);
    return new BleuReport(
        Bleu.STANDARD.score(translations, only),
        ChrF.STANDARD.score(translations, only),
        ExactMatch.of(translations, only));
  }

  /** Compares two files line by line. */
  static BleuReport ofFiles(Path translations, Path references) {
    List<String> written = lines(translations);
    List<String> right = lines(references);
    if (written.size() != right.size()) {
      throw new JambicException(
          Text.format(
              "%s has %s but %s has %s; each line of one is compared with that line of the other",
              translations,
              ErrorText.count(written.size(), "line"),
              references,
              ErrorText.count(right.size(), "line")));
    }
    return of(written, right);
  }

  /** As sacreBLEU reads them: only a line feed ends a line, and the last need not have one. */
  private static List<String> lines(Path file) {
    String text = TextFile.read(file);
    boolean ended = text.endsWith("\n");
    return List.of((ended ? text.substring(0, text.length() - 1) : text).split("\n", -1));
  }

  /** Lines for people, the first two as sacreBLEU prints them. */
  String text() {
    return Text.format(
        "BLEU|%s = %s%n%s|%s = %s%nexact match = %.2f %% (%,d of %s)%n",
        BLEU,
        bleu.text(),
        ChrF.STANDARD.name(),
        CHRF,
        ChrF.STANDARD.text(chrF),
        exact.percent(),
        exact.equal(),
        ErrorText.count(exact.lines(), "line"));
  }

  /** The same for programs, with all digits. */
  Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("lines", exact.lines());
    json.put("bleu", bleu.score());
    json.put("bleu_signature", BLEU);
    json.put("bleu_precisions", bleu.precisions());
    json.put("bleu_brevity_penalty", bleu.brevityPenalty());
    json.put("hypothesis_length", bleu.hypothesisLength());
    json.put("reference_length", bleu.referenceLength());
    json.put("chrf", chrF);
    json.put("chrf_signature", CHRF);
    json.put("exact_match", exact.percent());
    json.put("exact_lines", exact.equal());
    return json;
  }
}
