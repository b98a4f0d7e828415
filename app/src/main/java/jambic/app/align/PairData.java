package jambic.app.align;

import jambic.model.io.ErrorText;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.Encoded;
import jambic.train.example.ExampleEncoder;
import jambic.train.example.Preference;
import jambic.train.example.PreferenceFile;
import jambic.train.example.Rows;
import jambic.train.example.TokenPair;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Reads pairs of answers; pairs of one prompt are held back together. */
final class PairData {
  private PairData() {}

  /**
   * Reads them.
   *
   * @param margins whether the stage takes margins of rows; else they are told of
   * @param maxTokens tokens of a prompt and an answer at most
   */
  static HeldOut<TokenPair> read(
      StageSession<?> session,
      AnswerEncoder encoder,
      Path file,
      Optional<Path> valid,
      boolean margins,
      int maxTokens) {
    return HeldOut.of(
        file,
        pairs(session, encoder, file, margins, maxTokens),
        valid.map(held -> pairs(session, encoder, held, margins, maxTokens)),
        pair -> IntBuffer.wrap(pair.prompt()));
  }

  private static List<TokenPair> pairs(
      StageSession<?> session, AnswerEncoder encoder, Path file, boolean margins, int maxTokens) {
    Rows<Preference> rows = PreferenceFile.read(file);
    Encoded<TokenPair> encoded = ExampleEncoder.pairs(encoder, rows.rows(), maxTokens);
    session.tell(rows.notices(), encoded.dropped());
    long unused = rows.rows().stream().filter(row -> row.margin() != 0).count();
    if (!margins && unused > 0) {
      session.tell(
          List.of(
              Text.format(
                  "%s has 'margin' in %s, which only 'jambic reward' uses",
                  file, ErrorText.count(unused, "row"))));
    }
    return encoded.examples();
  }
}
