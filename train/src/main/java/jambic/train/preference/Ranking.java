package jambic.train.preference;

import jambic.train.example.TokenPair;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Answers to one prompt, and which of them are better than which.
 *
 * @param prompt the prompt's tokens
 * @param answers the answers' tokens, all different
 * @param pairs at least one
 */
public record Ranking(int[] prompt, List<int[]> answers, List<Pair> pairs) {
  /**
   * One answer that is better than another.
   *
   * @param chosen index of the better one
   * @param rejected index of the other
   * @param margin by how much at least its score should be higher; 0 where nothing is said
   */
  public record Pair(int chosen, int rejected, double margin) {}

  /** Copies the lists. */
  public Ranking {
    answers = List.copyOf(answers);
    pairs = List.copyOf(pairs);
  }

  /**
   * Puts the pairs of each prompt together.
   *
   * @param pairs in any order
   * @return a ranking for each prompt, in the order of their first pairs
   */
  public static List<Ranking> of(List<TokenPair> pairs) {
    Map<IntBuffer, List<TokenPair>> byPrompt = new LinkedHashMap<>();
    for (TokenPair pair : pairs) {
      byPrompt.computeIfAbsent(IntBuffer.wrap(pair.prompt()), _ -> new ArrayList<>()).add(pair);
    }
    return byPrompt.values().stream().map(Ranking::ofPrompt).toList();
  }

  private static Ranking ofPrompt(List<TokenPair> pairs) {
    Map<IntBuffer, Integer> numbers = new LinkedHashMap<>();
    List<int[]> answers = new ArrayList<>();
    List<Pair> numbered = new ArrayList<>();
    for (TokenPair pair : pairs) {
      int chosen = number(pair.chosen(), numbers, answers);
      int rejected = number(pair.rejected(), numbers, answers);
      numbered.add(new Pair(chosen, rejected, pair.margin()));
    }
    return new Ranking(pairs.getFirst().prompt(), answers, numbered);
  }

  private static int number(int[] answer, Map<IntBuffer, Integer> numbers, List<int[]> answers) {
    return numbers.computeIfAbsent(
        IntBuffer.wrap(answer),
        _ -> {
          answers.add(answer);
          return answers.size() - 1;
        });
  }

  /**
   * Returns each answer behind the prompt.
   *
   * @return tokens
   */
  public List<int[]> sequences() {
    return answers.stream()
        .map(answer -> IntStream.concat(IntStream.of(prompt), IntStream.of(answer)).toArray())
        .toList();
  }
}
