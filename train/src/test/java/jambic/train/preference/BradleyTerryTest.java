package jambic.train.preference;

import static jambic.train.AlignmentFixture.TOLERANCE;
import static jambic.train.AlignmentFixture.requireGradient;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import jambic.train.AlignmentFixture;
import jambic.train.preference.BradleyTerry.Pair;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Against PyTorch's numbers, which TRL's own RewardTrainer has confirmed. */
class BradleyTerryTest {
  private static final Offset<Double> NEAR = within(TOLERANCE);

  private final AlignmentFixture fixture = new AlignmentFixture("reward");
  private final double[] scores = fixture.doubles("scores"); // four chosen, four rejected
  private final BradleyTerry plain = new BradleyTerry(0);

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void lossOfPairs() {
    requireLoss(plain, pairs(new double[4]), scores, fixture.scalar("loss"));
  }

  @Test
  void lossWithMargins() {
    requireLoss(plain, pairs(fixture.doubles("margin")), scores, fixture.scalar("loss_margin"));
  }

  @Test
  void lossOfCentredScores() {
    requireLoss(
        new BradleyTerry(0.01), pairs(new double[4]), scores, fixture.scalar("loss_centred"));
  }

  @Test
  void lossOfARankingIsTheMeanOverItsPairs() {
    List<Pair> pairs = BradleyTerry.ranking(0, 0, 4);
    assertThat(pairs).hasSize(6);
    requireLoss(plain, pairs, fixture.doubles("rank/scores"), fixture.scalar("rank/loss"));
  }

  @Test
  void aPromptWithManyPairsWeighsNoMoreThanOneWithOne() {
    double[] ranked = fixture.doubles("rank/scores");
    double[] all = {ranked[0], ranked[1], ranked[2], ranked[3], 2, -1};
    List<Pair> pairs = new ArrayList<>(BradleyTerry.ranking(7, 0, 4));
    pairs.add(new Pair(3, 4, 5, 0));
    double single = Math.log1p(Math.exp(-3));
    requireLoss(plain, pairs, all, (fixture.scalar("rank/loss") + single) / 2);
  }

  @Test
  void scoresWherePaddingIsTheEndAreOthers() {
    double[] wrong = fixture.doubles("scores_where_pad_is_eos");
    double loss = plain.loss(pairs(new double[4]), wrong, new double[8]).loss();
    assertThat(loss).isNotCloseTo(fixture.scalar("loss"), within(1e-3));
  }

  @Test
  void accuracyAndMarginAreOfAllPairs() {
    List<Pair> pairs = List.of(new Pair(0, 0, 1, 0), new Pair(0, 2, 1, 5), new Pair(1, 1, 1, 0));
    BradleyTerry.Result result = plain.loss(pairs, new double[] {-1, 1, 3}, new double[3]);
    assertThat(result.accuracy()).isEqualTo(1.0 / 3); // equal scores are not right
    assertThat(result.margin()).isZero();
  }

  @Test
  void largeDifferencesNeitherOverflowNorVanish() {
    double[] gradient = new double[2];
    List<Pair> pair = List.of(new Pair(0, 0, 1, 0));
    assertThat(plain.loss(pair, new double[] {-5000, 5000}, gradient).loss()).isEqualTo(10_000);
    assertThat(gradient).containsExactly(-1, 1);
    assertThat(plain.loss(pair, new double[] {40, 0}, gradient).loss())
        .isCloseTo(Math.exp(-40), within(1e-25));
    assertThat(gradient[1]).isCloseTo(Math.exp(-40), within(1e-25));
  }

  @Test
  void whatCannotBeLearnedFromIsRefused() {
    assertThatThrownBy(() -> new BradleyTerry(-0.01))
        .isInstanceOf(JambicException.class)
        .hasMessage("the centring coefficient must be 0 or more, got -0.01");
    assertThatThrownBy(() -> plain.loss(List.of(), scores, new double[8]))
        .isInstanceOf(JambicException.class)
        .hasMessage("there are no pairs to learn from; give one or more");
  }

  private static List<Pair> pairs(double[] margins) {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      pairs.add(new Pair(i, i, i + 4, margins[i]));
    }
    return pairs;
  }

  private static void requireLoss(
      BradleyTerry loss, List<Pair> pairs, double[] scores, double expected) {
    double[] gradient = new double[scores.length];
    assertThat(loss.loss(pairs, scores, gradient).loss()).isCloseTo(expected, NEAR);
    requireGradient(scores, gradient, at -> loss.loss(pairs, at, new double[at.length]).loss());
  }
}
