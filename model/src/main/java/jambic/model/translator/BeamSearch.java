package jambic.model.translator;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Searches one sentence's best translations with several hypotheses at a time, by the rule of
 * transformers' {@code generate}. It knows no model: each step takes the best next tokens of every
 * running hypothesis and answers which hypotheses go on. Several sentences take one search each.
 */
public final class BeamSearch {
  /**
   * When a search stops. It never stops before as many hypotheses are finished as there are beams;
   * after that, the rule compares the worst finished score with the best unfinished hypothesis.
   */
  public enum Stopping {
    /** Stops at once, as transformers does with {@code early_stopping=True}. */
    FIRST,
    /**
     * Stops when the best unfinished hypothesis, scored at its present length, is not better than
     * the worst finished one: {@code early_stopping=False}.
     */
    PRESENT_LENGTH,
    /**
     * Does the same, but scores the unfinished hypothesis at the greatest length if the length
     * penalty favours long ones: {@code early_stopping="never"}.
     */
    GREATEST_LENGTH,
    /** Stops when no unfinished hypothesis can still become better than the worst finished one. */
    BOUND
  }

  /**
   * Settings of a search.
   *
   * @param beams hypotheses kept, 1 is greedy search
   * @param longest tokens at most, the end token among them, which is forced at the last
   * @param end the end token
   * @param penalty what a sum of log-probabilities is divided by
   * @param stopping when to stop; greedy search stops at the first end token
   */
  public record Settings(
      int beams, int longest, int end, LengthPenalty penalty, Stopping stopping) {
    /** Refuses numbers that no search can have. */
    public Settings {
      if (beams < 1 || longest < 1 || end < 0) {
        throw new JambicException(
            Text.format(
                "a beam search needs a beam and a length of at least 1 and an end token of at least 0,"
                    + " not beam %d, length %d, end token %d",
                beams, longest, end));
      }
    }

    /**
     * How many of each hypothesis's best tokens a step looks at.
     *
     * @return twice the beams
     */
    public int candidates() {
      return 2 * beams;
    }
  }

  /**
   * A hypothesis that goes on.
   *
   * @param parent its index among the hypotheses before this step
   * @param token the token it adds
   */
  public record Choice(int parent, int token) {}

  /**
   * A finished hypothesis.
   *
   * @param score its log-probability divided by the length penalty
   * @param tokens its tokens without the start token, with the end token
   */
  public record Hypothesis(double score, List<Integer> tokens) {
    /** Keeps its own copy of the tokens. */
    public Hypothesis {
      tokens = List.copyOf(tokens);
    }
  }

  /** A hypothesis and a token that could follow it: only a few of them become paths. */
  private record Candidate(double total, int parent, int token) {}

  private record Path(double total, List<Integer> tokens, int parent) {
    int last() {
      return tokens.getLast();
    }
  }

  private final Settings settings;
  private List<Path> running = List.of(new Path(0, List.of(), 0));
  private List<Hypothesis> finished = List.of();
  private int length;

  /**
   * Starts with one empty hypothesis.
   *
   * @param settings the settings
   */
  public BeamSearch(Settings settings) {
    this.settings = settings;
  }

  /**
   * How many hypotheses the next step needs the best tokens of.
   *
   * @return 1 at first, 0 when the search is over
   */
  public int running() {
    return running.size();
  }

  /**
   * Whether the next step forces the end token, so that no model need be asked: any best tokens,
   * even none, may be given to it.
   *
   * @return whether only the last position is left
   */
  public boolean lastStep() {
    return length == settings.longest() - 1;
  }

  /**
   * Takes one step.
   *
   * @param best the best tokens of each running hypothesis, at least {@link Settings#candidates()}
   *     where the vocabulary has as many
   * @return the hypotheses that go on, the best first; empty when the search is over
   */
  public List<Choice> step(List<BestTokens> best) {
    if (running.isEmpty()) {
      throw new IllegalStateException("the search is over");
    }
    if (!lastStep() && best.size() != running.size()) {
      throw new IllegalArgumentException(
          Text.format("%d hypotheses are running, not %d", running.size(), best.size()));
    }
    List<Path> candidates = candidates(best);
    length++;
    enter(candidates.subList(0, Math.min(settings.beams(), candidates.size())));
    List<Path> next =
        candidates.stream()
            .filter(path -> path.last() != settings.end())
            .limit(settings.beams())
            .toList();
    running = next.isEmpty() || full() && !canImprove(next.getFirst()) ? List.of() : next;
    return running.stream().map(path -> new Choice(path.parent(), path.last())).toList();
  }

  private List<Path> candidates(List<BestTokens> best) {
    List<Candidate> candidates = new ArrayList<>();
    BestTokens forced = new BestTokens(new int[] {settings.end()}, new double[] {0});
    for (int h = 0; h < running.size(); h++) {
      BestTokens tokens = lastStep() ? forced : best.get(h);
      for (int i = 0; i < Math.min(tokens.size(), settings.candidates()); i++) {
        double logProbability = tokens.logProbability(i);
        if (logProbability > Double.NEGATIVE_INFINITY) {
          double total = running.get(h).total() + logProbability;
          candidates.add(new Candidate(total, h, tokens.token(i)));
        }
      }
    }
    candidates.sort(Comparator.comparingDouble(Candidate::total).reversed()); // stable: ties stay
    return candidates.stream().limit(settings.candidates()).map(this::path).toList();
  }

  private Path path(Candidate candidate) {
    List<Integer> tokens = new ArrayList<>(running.get(candidate.parent()).tokens());
    tokens.add(candidate.token());
    return new Path(candidate.total(), tokens, candidate.parent());
  }

  private void enter(List<Path> best) {
    List<Hypothesis> all = new ArrayList<>(finished);
    for (Path path : best) {
      if (path.last() == settings.end()) {
        all.add(new Hypothesis(score(path, length), path.tokens()));
      }
    }
    all.sort(Comparator.comparingDouble(Hypothesis::score).reversed());
    finished = List.copyOf(all.subList(0, Math.min(settings.beams(), all.size())));
  }

  private boolean full() {
    return finished.size() == settings.beams();
  }

  private boolean canImprove(Path best) {
    if (settings.beams() == 1) {
      return false;
    }
    boolean longerIsBetter = settings.penalty().exponent() > 0;
    int atLength =
        switch (settings.stopping()) {
          case FIRST -> 0;
          case PRESENT_LENGTH -> length;
          case GREATEST_LENGTH -> longerIsBetter ? settings.longest() : length;
          case BOUND -> longerIsBetter ? settings.longest() : length + 1;
        };
    return atLength > 0 && score(best, atLength) > finished.getLast().score();
  }

  private double score(Path path, int tokens) {
    return path.total() / settings.penalty().of(tokens);
  }

  /**
   * The finished hypotheses.
   *
   * @return at most as many as there are beams, the best first
   */
  public List<Hypothesis> finished() {
    return finished;
  }

  /** The best next tokens of a hypothesis, the best first, of equal ones the lower token first. */
  public static final class BestTokens {
    private final int[] tokens;
    private final double[] logProbabilities;

    private BestTokens(int[] tokens, double[] logProbabilities) {
      this.tokens = tokens;
      this.logProbabilities = logProbabilities;
    }

    /**
     * Picks the best of a row of log-probabilities.
     *
     * @param rows log-probabilities (or logits), row behind row
     * @param row which row
     * @param size tokens of a row
     * @param logSum what to subtract from each: 0, or the row's logarithm of the sum of
     *     exponentials
     * @param count how many to pick at most
     * @param banned tokens that are never chosen
     * @return the best tokens
     */
    public static BestTokens of(
        float[] rows, int row, int size, double logSum, int count, int... banned) {
      int[] tokens = new int[Math.min(count, size)];
      int first = row * size;
      int found = 0;
      float worst = Float.NEGATIVE_INFINITY; // of those found, where they are as many as wanted
      for (int token = 0; token < size; token++) {
        float value = rows[first + token];
        if (value <= worst || isBanned(token, banned)) {
          continue;
        }
        if (Float.isNaN(value)) {
          throw new JambicException(
              Text.format(
                      "the model gives NaN for token %d: its weights are damaged or its training diverged,",
                      token)
                  + " so take another checkpoint");
        }
        int at = found < tokens.length ? found++ : found - 1;
        for (; at > 0 && rows[first + tokens[at - 1]] < value; at--) {
          tokens[at] = tokens[at - 1];
        }
        tokens[at] = token;
        if (found == tokens.length) {
          worst = rows[first + tokens[found - 1]];
        }
      }
      int[] picked = Arrays.copyOf(tokens, found);
      return new BestTokens(
          picked,
          Arrays.stream(picked).mapToDouble(token -> rows[first + token] - logSum).toArray());
    }

    private static boolean isBanned(int token, int... banned) {
      for (int other : banned) {
        if (other == token) {
          return true;
        }
      }
      return false;
    }

    int size() {
      return tokens.length;
    }

    int token(int rank) {
      return tokens[rank];
    }

    double logProbability(int rank) {
      return logProbabilities[rank];
    }
  }

  /**
   * What the log-probability of a hypothesis is divided by.
   *
   * @param exponent how strongly longer hypotheses are favoured; 0 is no penalty
   * @param gnmt whether to divide by ((5 + n) / 6)^exponent rather than n^exponent
   */
  public record LengthPenalty(double exponent, boolean gnmt) {
    /** Refuses what is no number. */
    public LengthPenalty {
      if (!Double.isFinite(exponent)) {
        throw new JambicException("a length penalty is a finite number, not " + exponent);
      }
    }

    /**
     * Reads a number, or {@code gnmt:} and a number.
     *
     * @param text the text
     * @return the penalty
     */
    public static LengthPenalty parse(String text) {
      boolean gnmt = text.startsWith("gnmt:");
      try {
        return new LengthPenalty(Double.parseDouble(gnmt ? text.substring(5) : text), gnmt);
      } catch (NumberFormatException e) {
        throw new JambicException(
            Text.format("the length penalty '%s' is neither a number nor gnmt: and a number", text),
            e);
      }
    }

    double of(int tokens) {
      return Math.pow(gnmt ? (5.0 + tokens) / 6 : tokens, exponent);
    }
  }
}
