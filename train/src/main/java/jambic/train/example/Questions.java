package jambic.train.example;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import jambic.tensor.text.Text;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32;

/**
 * Makes questions that have one right answer, so that answers can be checked: sums, order,
 * spelling, days of the week. A tenth of all questions, those whose CRC-32 ends in 0, is held out;
 * no other part of the data has them.
 *
 * <p>A question is a function of the seed and its index alone.
 */
public final class Questions {
  private static final int STREAM = 0x51_55_45_00; // of the generator, apart from every other use
  private static final int TENTH = 10;

  /** In a row without a new question, after which there is none left. */
  private static final int PATIENCE = 100_000;

  private static final List<String> DAYS =
      List.of("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday");

  private final List<Kind> kinds;
  private final long seed;
  private final int[] words = new int[4];

  /** What is asked. */
  public enum Kind {
    /** The sum of two numbers below 100. */
    PLUS,
    /** The difference of two numbers below 100. */
    MINUS,
    /** The larger of two numbers below 1,000. */
    LARGER,
    /** The successor of a number below 9,999. */
    AFTER,
    /** A word of 3 to 5 letters from its end to its beginning. */
    REVERSE,
    /** The last letter of such a word. */
    LAST,
    /** The number of letters of a word of 3 to 9. */
    LETTERS,
    /** The day of the week up to 20 days after another. */
    DAY;

    /**
     * The name in files and on the command line.
     *
     * @return in small letters
     */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Finds a kind by its name.
     *
     * @param name what {@link #text} returns
     * @return the kind
     * @throws JambicException if there is none
     */
    public static Kind of(String name) {
      return Arrays.stream(values())
          .filter(kind -> kind.text().equals(name))
          .findFirst()
          .orElseThrow(() ->
              new JambicException(
                  Text.format(
                      "there are no questions of the kind %s; the kinds are %s",
                      ErrorText.quote(name),
                      Arrays.stream(values()).map(Kind::text).collect(Collectors.joining(", ")))));
    }
  }

  /**
   * A question.
   *
   * @param kind what is asked
   * @param question the words of it
   * @param answer the right answer
   * @param statement a sentence that says the same, to train on before any question
   */
  public record Question(Kind kind, String question, String answer, String statement) {
    /**
     * Whether it is held out, by its words alone.
     *
     * @return whether no part of the data but the test may have it
     */
    public boolean isHeldOut() {
      return hash() % TENTH == 0;
    }

    private long hash() {
      CRC32 crc = new CRC32();
      crc.update(question.getBytes(StandardCharsets.UTF_8));
      return crc.getValue();
    }

    /**
     * An answer as a person would give it: half of them, by the question's words, are sentences.
     *
     * @return the right answer, alone or as the last word of a sentence
     */
    public String demonstration() {
      return hash() / TENTH % 2 == 0 ? answer : "It is " + answer + ".";
    }

    /**
     * The text that an answer follows.
     *
     * @return the prompt
     */
    public String prompt() {
      return "Q: " + question + "\nA: ";
    }
  }

  /**
   * Questions of some kinds.
   *
   * @param kinds which, at least one
   * @param seed makes them these and no others
   * @throws JambicException if there is no kind
   */
  public Questions(List<Kind> kinds, long seed) {
    if (kinds.isEmpty()) {
      throw new JambicException("there must be one kind of questions at least");
    }
    this.kinds = List.copyOf(kinds);
    this.seed = seed;
  }

  /**
   * Makes different questions, all held out or none.
   *
   * @param count how many
   * @param first the index to begin with, so that parts of the data differ
   * @param heldOut which
   * @return the questions
   * @throws JambicException if there are not so many
   */
  public List<Question> list(int count, long first, boolean heldOut) {
    List<Question> list = atMost(count, first, heldOut);
    if (list.size() < count) {
      throw new JambicException(
          Text.format(
              "these kinds have about %,d different questions %s, not %,d; ask for fewer, or for more kinds",
              list.size(), heldOut ? "to hold out" : "to train on", count));
    }
    return list;
  }

  /**
   * Makes different questions, all held out or none, fewer if there are no more.
   *
   * @param count how many at most
   * @param first the index to begin with
   * @param heldOut which
   * @return the questions
   */
  public List<Question> atMost(int count, long first, boolean heldOut) {
    List<Question> list = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    int idle = 0;
    for (long index = first; list.size() < count && idle < PATIENCE; index++) {
      Question question = question(index);
      boolean fresh = question.isHeldOut() == heldOut && seen.add(question.question());
      idle = fresh ? 0 : idle + 1;
      if (fresh) {
        list.add(question);
      }
    }
    return list;
  }

  /**
   * Makes a question.
   *
   * @param index which one
   * @return the question
   */
  public Question question(long index) {
    Draws draws = new Draws(index);
    Kind kind = kinds.get(draws.below(kinds.size()));
    return switch (kind) {
      case PLUS -> {
        int a = draws.below(100);
        int b = draws.below(100);
        yield of(kind, a + b, "What is %d plus %d?", "%d plus %d is %s.", a, b);
      }
      case MINUS -> {
        int a = draws.below(100);
        int b = draws.below(100);
        int high = Math.max(a, b);
        int low = Math.min(a, b);
        yield of(kind, high - low, "What is %d minus %d?", "%d minus %d is %s.", high, low);
      }
      case LARGER -> {
        int a = draws.below(1000);
        int b = (a + 1 + draws.below(999)) % 1000; // another one
        yield of(
            kind,
            Math.max(a, b),
            "Which is larger, %d or %d?",
            "Of %d and %d the larger is %s.",
            a,
            b);
      }
      case AFTER -> {
        int n = draws.below(9999);
        yield of(kind, n + 1, "What number comes after %d?", "After %d comes %s.", n);
      }
      case REVERSE -> {
        String word = draws.word(3, 5);
        String reversed = new StringBuilder(word).reverse().toString();
        yield of(kind, reversed, "How is %s spelled backwards?", "Backwards %s is %s.", word);
      }
      case LAST -> {
        String word = draws.word(3, 5);
        yield of(
            kind,
            word.substring(word.length() - 1),
            "What is the last letter of %s?",
            "The last letter of %s is %s.",
            word);
      }
      case LETTERS -> {
        String word = draws.word(3, 9);
        yield of(
            kind,
            word.length(),
            "How many letters does %s have?",
            "In %s there are %s letters.",
            word);
      }
      case DAY -> {
        int day = draws.below(DAYS.size());
        int days = draws.below(21);
        yield of(
            kind,
            DAYS.get((day + days) % DAYS.size()),
            "What day is %d days after %s?",
            "%d days after %s is %s.",
            days,
            DAYS.get(day));
      }
    };
  }

  /** The statement has the answer behind what the question has. */
  private static Question of(
      Kind kind, Object answer, String question, String statement, Object... parts) {
    Object[] all = Arrays.copyOf(parts, parts.length + 1);
    all[parts.length] = answer;
    return new Question(
        kind, Text.format(question, parts), answer.toString(), Text.format(statement, all));
  }

  /** The random numbers of a question. */
  private final class Draws {
    private static final String CONSONANTS = "bcdfghklmnprstvw";
    private static final String VOWELS = "aeiou";

    private final long index;
    private int counter;

    Draws(long index) {
      this.index = index;
    }

    int below(int bound) {
      Philox.block(words, seed, counter++, (int) index, (int) (index >>> 32), STREAM);
      long bits = (long) words[0] << 32 | words[1] & 0xFFFFFFFFL;
      return (int) Math.unsignedMultiplyHigh(bits, bound);
    }

    /** Vowels and consonants in turn, so that it can be spoken. */
    String word(int shortest, int longest) {
      int length = shortest + below(longest - shortest + 1);
      int vowel = below(2); // the parity of their places
      StringBuilder word = new StringBuilder();
      for (int i = 0; i < length; i++) {
        String letters = i % 2 == vowel ? VOWELS : CONSONANTS;
        word.append(letters.charAt(below(letters.length())));
      }
      return word.toString();
    }
  }
}
