package jambic.model.translator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.io.JsonObject;
import jambic.model.translator.BeamSearch.BestTokens;
import jambic.model.translator.BeamSearch.Choice;
import jambic.model.translator.BeamSearch.Hypothesis;
import jambic.model.translator.BeamSearch.LengthPenalty;
import jambic.model.translator.BeamSearch.Settings;
import jambic.model.translator.BeamSearch.Stopping;
import jambic.tensor.JambicException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BeamSearchTest {
  private static final int END = 0;
  private static final int VOCABULARY = 4;
  private static final int LONGEST = 4;

  @Test
  void aBeamThatHoldsEveryPrefixFindsWhatTryingAllSequencesFinds() {
    for (int seed = 0; seed < 20; seed++) {
      for (String penalty : List.of("0", "0.6", "1", "-0.5", "gnmt:0.6")) {
        LengthPenalty by = LengthPenalty.parse(penalty);
        List<Hypothesis> all = new ArrayList<>();
        tryAll(seed, List.of(), 0, by, all);
        all.sort(Comparator.comparingDouble(Hypothesis::score).reversed());
        List<Hypothesis> found = search(seed, new Settings(64, LONGEST, END, by, Stopping.BOUND));
        assertThat(found).hasSize(all.size());
        for (int i = 0; i < all.size(); i++) {
          assertThat(found.get(i).tokens()).isEqualTo(all.get(i).tokens());
          assertThat(found.get(i).score()).isCloseTo(all.get(i).score(), within(1e-12));
        }
      }
    }
  }

  @Test
  void aBeamOfOneTakesTheBestTokenOfEachStep() {
    for (int seed = 0; seed < 20; seed++) {
      List<Integer> greedy = new ArrayList<>();
      do {
        float[] row = row(seed, greedy);
        int best = 0;
        for (int token = 1; token < VOCABULARY; token++) {
          best = row[token] > row[best] ? token : best;
        }
        greedy.add(greedy.size() == LONGEST - 1 ? END : best);
      } while (greedy.getLast() != END);
      for (Stopping stopping : Stopping.values()) {
        Settings one = new Settings(1, LONGEST, END, LengthPenalty.parse("1"), stopping);
        assertThat(search(seed, one)).extracting(Hypothesis::tokens).containsExactly(greedy);
      }
    }
  }

  /**
   * Searches by a reference in PyTorch that is equal to transformers' {@code generate}: beams of 1
   * to 4 over tables of log-probabilities by position and last token.
   */
  @Test
  void findsTheRankedListsOfTransformers() throws Exception {
    JsonObject fixture =
        JsonObject.read(
            Path.of(getClass().getResource("/jambic/model/translator/beams.json").toURI()));
    List<?> tables = fixture.optionalList("tables").orElseThrow();
    for (Object one : fixture.optionalList("cases").orElseThrow()) {
      Map<?, ?> expected = (Map<?, ?>) one;
      List<?> table = (List<?>) tables.get((Integer) expected.get("table"));
      int[] banned =
          ((List<?>) expected.get("banned")).stream().mapToInt(id -> (Integer) id).toArray();
      Settings settings =
          new Settings(
              (Integer) expected.get("beams"),
              fixture.integer("longest"),
              fixture.integer("end"),
              LengthPenalty.parse(expected.get("penalty").toString()),
              Stopping.valueOf(expected.get("stopping").toString()));
      List<Hypothesis> found =
          search(settings, fixture.integer("vocabulary"), fixture.integer("start"), table, banned);
      List<?> lists = (List<?>) expected.get("lists");
      String as = expected.get("table") + " " + settings + " " + expected.get("banned");
      assertThat(found).as(as).hasSameSizeAs(lists);
      for (int i = 0; i < found.size(); i++) {
        Map<?, ?> hypothesis = (Map<?, ?>) lists.get(i);
        assertThat(found.get(i).tokens()).as(as).isEqualTo(hypothesis.get("tokens"));
        double score = ((Number) hypothesis.get("score")).doubleValue();
        assertThat(found.get(i).score()).as(as).isCloseTo(score, within(1e-6));
      }
    }
  }

  private static List<Hypothesis> search(
      Settings settings, int vocabulary, int start, List<?> table, int... banned) {
    BeamSearch search = new BeamSearch(settings);
    List<List<Integer>> running = List.of(List.of(start));
    while (search.running() > 0) {
      List<BestTokens> best = new ArrayList<>();
      for (List<Integer> tokens : running) {
        int from = ((tokens.size() - 1) * vocabulary + tokens.getLast()) * vocabulary;
        float[] row = new float[vocabulary];
        for (int i = 0; i < vocabulary; i++) {
          row[i] = ((Number) table.get(from + i)).floatValue();
        }
        best.add(best(row, 0, settings.candidates(), banned));
      }
      List<List<Integer>> next = new ArrayList<>();
      for (Choice choice : search.step(best)) {
        List<Integer> longer = new ArrayList<>(running.get(choice.parent()));
        longer.add(choice.token());
        next.add(longer);
      }
      running = next;
    }
    return search.finished();
  }

  @Test
  void theEndIsForcedAtTheLastPositionAtNoCost() {
    Settings one = new Settings(1, 2, END, LengthPenalty.parse("0"), Stopping.FIRST);
    BeamSearch search = new BeamSearch(one);
    assertThat(search.step(List.of(best(new float[] {-3, -0.5f, -1}, 0, 2))))
        .containsExactly(new Choice(0, 1));
    assertThat(search.lastStep()).isTrue();
    assertThat(search.step(List.of())).isEmpty();
    assertThat(search.finished()).containsExactly(new Hypothesis(-0.5, List.of(1, END)));
  }

  @Test
  void ofEqualTokensTheLowerComesFirstAndBannedOnesNever() {
    Settings two = new Settings(2, 9, END, LengthPenalty.parse("1"), Stopping.BOUND);
    BeamSearch search = new BeamSearch(two);
    float[] row = {-9, -1, -1, -1, -1};
    assertThat(search.step(List.of(best(row, 0, 4, 1))))
        .containsExactly(new Choice(0, 2), new Choice(0, 3));
  }

  @Test
  void nanIsRefused() {
    assertThatThrownBy(() -> best(new float[] {0, Float.NaN}, 0, 2))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("NaN for token 1");
  }

  private static List<Hypothesis> search(int seed, Settings settings) {
    BeamSearch search = new BeamSearch(settings);
    List<List<Integer>> prefixes = List.of(List.of());
    while (search.running() > 0) {
      List<List<Integer>> before = prefixes;
      List<BestTokens> best =
          before.stream().map(prefix -> best(row(seed, prefix), 0, settings.candidates())).toList();
      prefixes =
          search.step(best).stream()
              .map(choice -> append(before.get(choice.parent()), choice.token()))
              .toList();
    }
    return search.finished();
  }

  private static void tryAll(
      int seed, List<Integer> prefix, double total, LengthPenalty by, List<Hypothesis> all) {
    boolean last = prefix.size() == LONGEST - 1;
    float[] row = row(seed, prefix);
    int length = prefix.size() + 1;
    double ended = total + (last ? 0 : row[END]);
    all.add(new Hypothesis(ended / by.of(length), append(prefix, END)));
    for (int token = 1; !last && token < VOCABULARY; token++) {
      tryAll(seed, append(prefix, token), total + row[token], by, all);
    }
  }

  private static float[] row(int seed, List<Integer> prefix) {
    Random random = new Random(31L * seed + prefix.hashCode());
    float[] row = new float[VOCABULARY];
    double sum = 0;
    for (int token = 0; token < VOCABULARY; token++) {
      row[token] = (float) random.nextGaussian();
      sum += Math.exp(row[token]);
    }
    for (int token = 0; token < VOCABULARY; token++) {
      row[token] -= (float) Math.log(sum);
    }
    return row;
  }

  private static List<Integer> append(List<Integer> prefix, int token) {
    List<Integer> longer = new ArrayList<>(prefix);
    longer.add(token);
    return List.copyOf(longer);
  }

  private static BestTokens best(float[] row, double logSum, int count, int... banned) {
    return BestTokens.of(row, 0, row.length, logSum, count, banned);
  }
}
