package jambic.train.example;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32;

/**
 * Labelled texts to train on and others to measure with.
 *
 * @param train to train on, in the order of the data
 * @param heldOut to measure with, in the order of the data
 * @param repeated how many texts were dropped because the same one came before, upper and lower
 *     case aside
 */
public record LabelledSplit(List<LabelledText> train, List<LabelledText> heldOut, int repeated) {
  /** Copies the lists. */
  public LabelledSplit {
    train = List.copyOf(train);
    heldOut = List.copyOf(heldOut);
  }

  /**
   * Holds out a share of the texts, those whose CRC-32 is small: a text's part depends on nothing
   * else, so that it stays the same when texts are added or moved.
   *
   * @param name what error messages call the texts
   * @param texts all of them
   * @param share to hold out, between 0 and 1
   * @return both parts, neither of them empty
   * @throws JambicException if a part has no text
   */
  public static LabelledSplit byText(String name, List<LabelledText> texts, double share) {
    List<LabelledText> train = new ArrayList<>();
    List<LabelledText> heldOut = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (LabelledText text : texts) {
      String key = text.text().strip().toLowerCase(Locale.ROOT);
      if (seen.add(key)) {
        (place(key) < share ? heldOut : train).add(text);
      }
    }
    if (train.isEmpty() || heldOut.isEmpty()) {
      throw new JambicException(
          Text.format(
              "%s has %s, too few to hold some out; give more",
              name, ErrorText.count(seen.size(), "different text")));
    }
    return new LabelledSplit(train, heldOut, texts.size() - seen.size());
  }

  /**
   * The labels of both parts.
   *
   * @return each once, in the order of their names, or by size where all are whole numbers
   */
  public List<String> labels() {
    List<String> labels =
        Stream.concat(train.stream(), heldOut.stream())
            .map(LabelledText::label)
            .distinct()
            .toList();
    boolean numbers = labels.stream().allMatch(label -> label.matches("-?\\d{1,18}"));
    return labels.stream()
        .sorted(
            numbers
                ? Comparator.<String>comparingLong(Long::parseLong).thenComparing(label -> label)
                : Comparator.naturalOrder())
        .toList();
  }

  /** A number in [0, 1) that is a text's own. */
  private static double place(String key) {
    CRC32 crc = new CRC32();
    crc.update(key.getBytes(StandardCharsets.UTF_8));
    return crc.getValue() * 0x1p-32;
  }
}
