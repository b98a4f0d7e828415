package jambic.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplerTest {
  @Test
  void refusesAScoreThatIsNoNumberWhereverItIs() {
    for (SamplingParams sampling : SAMPLINGS) {
      for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
        for (int at = 0; at < 8; at++) { // the last two are padding of the vocabulary
          float[] logits = {9, 1, 2, 3, 4, 5, 6, 7, 8};
          logits[1 + at] = wrong;
          requireRefused(sampling, logits);
        }
      }
    }
  }

  @Test
  void refusesScoresAmongWhichThereIsNothingToChoose() {
    for (SamplingParams sampling : SAMPLINGS) {
      float[] logits = {9, 1, 2, 3, 4, 5, 6, 7, 8};
      Arrays.fill(logits, 1, 7, Float.NEGATIVE_INFINITY);
      requireRefused(sampling, logits);
    }
  }

  @Test
  void negativeInfinityIsAScoreThatIsNeverChosen() {
    float[] logits = new float[9];
    Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    logits[1 + 3] = -5;
    for (SamplingParams sampling : SAMPLINGS) {
      Sampler sampler = new Sampler(sampling, 0, 6, 8);
      sampler.see(0);
      sampler.see(3);
      assertThat(sampler.next(logits.clone(), 1)).isEqualTo(3);
    }
  }

  @Test
  void aPenaltyLeavesFiniteScoresFinite() {
    Sampler sampler = new Sampler(SamplingParams.GREEDY.withRepetitionPenalty(1e-10f), 0, 2, 2);
    sampler.see(1);
    assertThat(sampler.next(new float[] {0, 1e38f}, 0)).isEqualTo(1);
  }

  private static final List<SamplingParams> SAMPLINGS =
      List.of(
          SamplingParams.GREEDY,
          SamplingParams.plain(1),
          new SamplingParams(30, 0, 1, 1),
          new SamplingParams(1, 2, 1, 1),
          new SamplingParams(1, 0, 0.5f, 1),
          new SamplingParams(0.5f, 3, 0.9f, 1).withRepetitionPenalty(1.2f),
          SamplingParams.GREEDY.withRepetitionPenalty(0.5f));

  private static void requireRefused(SamplingParams sampling, float[] logits) {
    Sampler sampler = new Sampler(sampling, 0, 6, 8);
    sampler.see(2);
    assertThatThrownBy(() -> sampler.next(logits.clone(), 1))
        .as("%s of %s", sampling, Arrays.toString(logits))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("the scores of the next token are not finite");
  }

  @Test
  void choosesWhatSortingTheWholeVocabularyChooses() {
    Random random = new Random(5);
    for (int round = 0; round < 3000; round++) {
      int vocabSize = 1 + random.nextInt(round % 10 == 0 ? 2000 : 60);
      int steps = 1 + random.nextInt(8); // few: many scores are equal
      float[] logits = new float[3 + vocabSize];
      for (int i = 0; i < logits.length; i++) {
        logits[i] =
            round % 3 == 0
                ? (float) random.nextGaussian()
                : (float) (random.nextInt(steps) - steps) / 2;
      }
      if (round % 7 == 0 && vocabSize > 1) {
        logits[3 + random.nextInt(vocabSize)] = Float.NEGATIVE_INFINITY;
      }
      int topK = random.nextInt(vocabSize + 5);
      float topP = random.nextBoolean() ? 1 : 0.05f + 0.9f * random.nextFloat();
      float temperature = 0.2f + 2 * random.nextFloat();
      SamplingParams sampling = new SamplingParams(temperature, topK, topP, round);
      Sampler sampler = new Sampler(sampling, 2, vocabSize, vocabSize);
      Philox draws = new Philox(round, 2);
      for (int i = 0; i < 5; i++) {
        assertThat(sampler.next(logits.clone(), 3))
            .as("%s of %d", sampling, vocabSize)
            .isEqualTo(sorted(logits, 3, vocabSize, sampling, draws.nextDouble()));
      }
    }
  }

  private static int sorted(
      float[] logits, int offset, int vocabSize, SamplingParams sampling, double draw) {
    double max = IntStream.range(0, vocabSize).mapToDouble(i -> logits[offset + i]).max().orElse(0);
    double[] p = new double[vocabSize];
    for (int i = 0; i < vocabSize; i++) {
      p[i] = Math.exp((logits[offset + i] - max) / sampling.temperature());
    }
    List<Integer> ranked =
        IntStream.range(0, vocabSize)
            .boxed()
            .sorted(Comparator.comparing(i -> -(float) p[i])) // stable: the lower of equals first
            .limit(sampling.topK() == 0 ? vocabSize : sampling.topK())
            .toList();
    double mass = 0;
    for (int i : ranked) {
      mass += p[i];
    }
    boolean[] kept = new boolean[vocabSize];
    double reached = 0;
    for (int i : ranked) {
      kept[i] = reached == 0 || reached < sampling.topP() * mass;
      reached += p[i];
    }
    double sum = 0;
    for (int i = 0; i < vocabSize; i++) {
      sum += kept[i] ? p[i] : 0;
    }
    double left = draw * sum;
    for (int i = 0; i < vocabSize; i++) {
      left -= kept[i] ? p[i] : 0;
      if (left < 0) {
        return i;
      }
    }
    return ranked.getFirst();
  }

  @Test
  void presenceAndFrequencyPenaltiesAreOfWhatWasGeneratedAndNotOfThePrompt() {
    float[] logits = {2, 1, 0, -1};
    Sampler sampler =
        new Sampler(
            SamplingParams.GREEDY.withPresencePenalty(0.5f).withFrequencyPenalty(0.25f), 0, 4, 4);
    sampler.see(0); // of the prompt
    sampler.write(1);
    sampler.write(3);
    sampler.write(3);
    sampler.write(3);
    assertThat(sampler.next(logits, 0)).isZero();
    assertThat(logits).containsExactly(2, 1 - 0.75f, 0, -1 - 0.5f - 0.75f);
  }

  @Test
  void aBiasIsAddedAfterAllPenaltiesAndBeforeTemperature() {
    float[] logits = {2, 1, 0, -1};
    SamplingParams sampling =
        new SamplingParams(0, 0, 1, 2, 0)
            .withPresencePenalty(1)
            .withLogitBias(Map.of(3, 5f, 0, -10f));
    Sampler sampler = new Sampler(sampling, 0, 4, 4);
    sampler.write(0);
    assertThat(sampler.next(logits, 0)).isEqualTo(3);
    assertThat(logits).containsExactly(2 / 2f - 1 - 10, 1, 0, 4);
  }

  @Test
  void aHugeBiasBansOrForcesATokenAndStaysFinite() {
    float[] logits = {3e38f, 1};
    SamplingParams sampling =
        new SamplingParams(0.7f, 2, 0.9f, 3).withLogitBias(Map.of(0, 3e38f, 1, -3.4e38f));
    assertThat(new Sampler(sampling, 0, 2, 2).next(logits, 0)).isZero();
    assertThat(logits[0]).isEqualTo(Float.MAX_VALUE);
  }

  @Test
  void penaltiesAndBiasesThatAreNoNumbersAreRefused() {
    assertThatThrownBy(() -> SamplingParams.GREEDY.withPresencePenalty(Float.NaN))
        .isInstanceOf(JambicException.class)
        .hasMessage("presence-penalty must be a finite number, got NaN");
    assertThatThrownBy(() -> SamplingParams.GREEDY.withFrequencyPenalty(Float.POSITIVE_INFINITY))
        .hasMessage("frequency-penalty must be a finite number, got Infinity");
    assertThatThrownBy(() -> SamplingParams.GREEDY.withLogitBias(Map.of(7, Float.NaN)))
        .hasMessage("the logit bias of token id 7 must be a finite number, got NaN");
  }

  @Test
  void anotherSettingKeepsPenaltiesAndBiases() {
    SamplingParams all =
        SamplingParams.plain(1)
            .withPresencePenalty(1)
            .withFrequencyPenalty(2)
            .withLogitBias(Map.of(1, 2f));
    assertThat(all.withSeed(5).withRepetitionPenalty(3))
        .isEqualTo(new SamplingParams(1, 0, 1, 3, 5, 1, 2, Map.of(1, 2f)));
  }
}
