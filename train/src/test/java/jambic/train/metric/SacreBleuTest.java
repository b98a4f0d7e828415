package jambic.train.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Scores of sacreBLEU 2.6.0, with every setting that is here. */
class SacreBleuTest {
  private static final Offset<Double> EXACT = within(1e-9);
  private static final Map<String, Object> FILE = file();

  /** Hypotheses with their references, and what sacreBLEU says of them. */
  record Case(String name, Map<String, Object> fields) {
    List<String> hypotheses() {
      return strings(fields.get("hypotheses"));
    }

    List<List<String>> references() {
      return ((List<?>) fields.get("references")).stream().map(SacreBleuTest::strings).toList();
    }

    List<Map<String, Object>> expected(String metric) {
      return ((List<?>) fields.get(metric)).stream().map(SacreBleuTest::object).toList();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static Map<String, Object> file() {
    try (InputStream in = SacreBleuTest.class.getResourceAsStream("bleu.json")) {
      return JSON.std.mapFrom(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @SuppressWarnings("unchecked") // the file is ours
  private static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  private static List<String> strings(Object value) {
    return ((List<?>) value).stream().map(String.class::cast).toList();
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  private static void assertNumbers(List<Double> actual, Object expected, String what) {
    List<?> numbers = (List<?>) expected;
    assertThat(actual).hasSameSizeAs(numbers);
    for (int i = 0; i < actual.size(); i++) {
      assertThat(actual.get(i)).as(what).isCloseTo(number(numbers.get(i)), EXACT);
    }
  }

  static Stream<Case> cases() {
    return ((List<?>) FILE.get("cases"))
        .stream()
            .map(SacreBleuTest::object)
            .map(fields -> new Case((String) fields.get("name"), fields));
  }

  static Stream<Arguments> tokenized() {
    return ((List<?>) FILE.get("tokenizer_13a"))
        .stream()
            .map(SacreBleuTest::object)
            .map(entry -> Arguments.of(entry.get("text"), strings(entry.get("tokens"))));
  }

  private static Bleu bleu(Map<String, Object> options) {
    Tokenization tokenization =
        switch ((String) options.getOrDefault("tokenize", "13a")) {
          case "13a" -> Tokenization.V13A;
          case "intl" -> Tokenization.INTERNATIONAL;
          case "char" -> Tokenization.CHARACTERS;
          case "none" -> Tokenization.NONE;
          default -> throw new AssertionError(options);
        };
    Smoothing smoothing =
        switch ((String) options.getOrDefault("smooth_method", "exp")) {
          case "exp" -> Smoothing.EXP;
          case "none" -> Smoothing.NONE;
          case "floor" ->
              new Smoothing(
                  Smoothing.Method.FLOOR, number(options.getOrDefault("smooth_value", 0.1)));
          case "add-k" -> new Smoothing(Smoothing.Method.ADD_K, 1);
          default -> throw new AssertionError(options);
        };
    return new Bleu(
        tokenization,
        smoothing,
        options.containsKey("lowercase"),
        options.containsKey("effective_order"));
  }

  private static ChrF chrF(Map<String, Object> options) {
    return new ChrF(
        (Integer) options.getOrDefault("char_order", 6),
        (Integer) options.getOrDefault("word_order", 0),
        (Integer) options.getOrDefault("beta", 2),
        options.containsKey("lowercase"),
        options.containsKey("whitespace"),
        options.containsKey("eps_smoothing"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void bleuIsSacreBleus(Case lines) {
    List<Map<String, Object>> all = lines.expected("bleu");
    assertThat(all).hasSize(10);
    for (Map<String, Object> expected : all) {
      Bleu bleu = bleu(object(expected.get("options")));
      BleuScore score = bleu.score(lines.hypotheses(), lines.references());
      String what = expected.get("options").toString();
      assertThat(score.score()).as(what).isCloseTo(number(expected.get("score")), EXACT);
      assertNumbers(score.counts(), expected.get("counts"), what);
      assertNumbers(score.totals(), expected.get("totals"), what);
      assertNumbers(score.precisions(), expected.get("precisions"), what);
      assertThat(score.brevityPenalty()).as(what).isCloseTo(number(expected.get("bp")), EXACT);
      assertThat(score.hypothesisLength())
          .as(what)
          .isEqualTo((long) number(expected.get("sys_len")));
      assertThat(score.referenceLength())
          .as(what)
          .isEqualTo((long) number(expected.get("ref_len")));
      assertThat(bleu.signature(lines.references().size())).isEqualTo(expected.get("signature"));
      assertThat("BLEU = " + score.text()).as(what).isEqualTo(expected.get("text"));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void chrFIsSacreBleus(Case lines) {
    List<Map<String, Object>> all = lines.expected("chrf");
    assertThat(all).hasSize(7);
    for (Map<String, Object> expected : all) {
      ChrF chrF = chrF(object(expected.get("options")));
      double score = chrF.score(lines.hypotheses(), lines.references());
      String what = expected.get("options").toString();
      assertThat(score).as(what).isCloseTo(number(expected.get("score")), EXACT);
      assertThat(chrF.signature(lines.references().size())).isEqualTo(expected.get("signature"));
      assertThat(chrF.name() + " = " + chrF.text(score)).as(what).isEqualTo(expected.get("text"));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theBleuOfSentencesIsSacreBleus(Case lines) {
    List<?> expected = (List<?>) lines.fields().get("sentence_bleu");
    List<Double> scores =
        IntStream.range(0, expected.size())
            .mapToObj(i ->
                Bleu.SENTENCE
                    .sentence(
                        lines.hypotheses().get(i),
                        lines.references().stream().map(one -> one.get(i)).toList())
                    .score())
            .toList();
    assertNumbers(scores, expected, "sentences");
  }

  @ParameterizedTest
  @MethodSource("tokenized")
  void tokensAreThoseOfSacreBleus13a(String text, List<String> tokens) {
    assertThat(Tokenization.V13A.words(text)).isEqualTo(tokens);
  }

  /** 6.25 and 0.125 stand in the middle of two; Python rounds to even, Java's formats up. */
  @Test
  void figuresAreRoundedAsPythonRounds() {
    assertThat(Scores.decimals(6.25, 1)).isEqualTo("6.2");
    assertThat(Scores.decimals(0.125, 2)).isEqualTo("0.12");
    assertThat(Scores.decimals(2.675, 2)).isEqualTo("2.67");
  }

  @Test
  void exactMatchTrimsLinesAndKeepsTheirInside() {
    List<String> hypotheses = List.of(" a b\t", "a  b", "A b", "\u00a0a b\r");
    ExactMatch match = ExactMatch.of(hypotheses, List.of(List.of("a b", "a b", "a b", "a b")));
    assertThat(match).isEqualTo(new ExactMatch(2, 4));
    assertThat(match.percent()).isEqualTo(50);
  }

  @Test
  void anyReferenceMakesALineExact() {
    List<List<String>> references = List.of(List.of("a", "b"), List.of("x", "y"));
    assertThat(ExactMatch.of(List.of("x", "a"), references)).isEqualTo(new ExactMatch(1, 2));
  }

  @Test
  void unequalNumbersOfLinesAreRefused() {
    List<String> two = List.of("a", "b");
    List<List<String>> three = List.of(List.of("a", "b", "c"));
    for (Runnable call :
        List.<Runnable>of(
            () -> Bleu.STANDARD.score(two, three),
            () -> ChrF.STANDARD.score(two, three),
            () -> ExactMatch.of(two, three))) {
      assertThatThrownBy(call::run)
          .isInstanceOf(JambicException.class)
          .hasMessage("there are 2 hypotheses but 3 references; each line needs the other");
    }
    assertThatThrownBy(() -> Bleu.STANDARD.score(List.of(), List.of(List.of())))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("no lines to compare");
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 2", "-1, 2, 2", "6, -1, 2", "6, 0, 0"})
  void chrFRefusesOrdersThatCountNothing(int characters, int words, int beta) {
    assertThatThrownBy(() -> new ChrF(characters, words, beta, false, false, false))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(characters + ", " + words + " and " + beta);
  }

  @ParameterizedTest
  @CsvSource({"-0.1", "NaN", "Infinity"})
  void smoothingRefusesAConstantThatIsNone(double value) {
    assertThatThrownBy(() -> new Smoothing(Smoothing.Method.FLOOR, value))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("not " + value);
  }
}
