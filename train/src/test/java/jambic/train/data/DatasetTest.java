package jambic.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetTest {
  @Test
  void tinyShakespeareSplitsAsInNanoGpt() {
    Dataset data = Dataset.split(TokenSource.of(new int[1_115_394]), 256, "input.txt");
    assertThat(data.train().length()).isEqualTo(1_003_854);
    assertThat(data.val().length()).isEqualTo(111_540);
  }

  @Test
  void thePartsAreTheTextInOrder() {
    Dataset data = Dataset.split(TokenSource.of(IntStream.range(0, 105).toArray()), 10, "text");
    int[] train = new int[94];
    int[] val = new int[11];
    data.train().copy(0, train, 0, 94);
    data.val().copy(0, val, 0, 11);
    assertThat(train).isEqualTo(IntStream.range(0, 94).toArray());
    assertThat(val).isEqualTo(IntStream.range(94, 105).toArray());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 8, 64, 256})
  void theLeastLengthNamedIsEnoughAndOneLessIsNot(int blockSize) {
    int least = 10 * blockSize + 1;
    Dataset data = Dataset.split(TokenSource.of(new int[least]), blockSize, "text");
    new BatchSampler(data, 1, blockSize, 0); // holds a window of each part
    assertThat(data.val().length()).isEqualTo(blockSize + 1);
    assertThatThrownBy(() -> Dataset.split(TokenSource.of(new int[least - 1]), blockSize, "text"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("text has ")
        .hasMessageContaining("needs at least %d (", least);
  }

  @Test
  void aSliceKeepsItsBounds() {
    TokenSource tokens = TokenSource.of(0, 1, 2, 3, 4).slice(1, 4);
    int[] target = {-1, -1, -1};
    tokens.copy(1, target, 1, 2);
    assertThat(target).containsExactly(-1, 2, 3);
    assertThatThrownBy(() -> tokens.copy(2, target, 0, 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> tokens.slice(0, 4)).isInstanceOf(IndexOutOfBoundsException.class);
  }
}
