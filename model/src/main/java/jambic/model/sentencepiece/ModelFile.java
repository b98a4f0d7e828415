package jambic.model.sentencepiece;

import jambic.model.io.ErrorText;
import jambic.model.sentencepiece.ProtobufReader.DamagedException;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads the file of a SentencePiece model, the message {@code ModelProto} of {@code
 * sentencepiece_model.proto}.
 */
final class ModelFile {
  private static final long LONGEST = 32L << 20;
  private static final long UNIGRAM = 1;
  private static final List<String> KINDS = List.of("unigram", "BPE", "word", "char");

  private final List<Piece> pieces = new ArrayList<>();
  private long kind = UNIGRAM;
  private boolean spaceAtEnd;
  private boolean byteFallback;
  private String unknownSurface = " \u2047 ";
  private final Spec normalizer = new Spec();
  private final Spec denormalizer = new Spec();

  private ModelFile() {}

  /** The message {@code NormalizerSpec}. */
  private static final class Spec {
    private CharacterMap map = CharacterMap.NONE;
    private boolean addSpace = true;
    private boolean removeExtraSpaces = true;
    private boolean escapeSpaces = true;

    private Normalizer normalizer(List<byte[]> kept, boolean spaceAtEnd) {
      return new Normalizer(
          map,
          new PieceTrie(kept),
          new Normalizer.Rules(addSpace, spaceAtEnd, removeExtraSpaces, escapeSpaces));
    }
  }

  /** Reads a file; errors name it. */
  static SentencePiece read(Path file) {
    try {
      if (Files.size(file) > LONGEST) {
        throw refused(file, "it is too long");
      }
      ModelFile model = new ModelFile();
      model.readModel(new ProtobufReader(ByteBuffer.wrap(Files.readAllBytes(file))));
      if (model.kind != UNIGRAM) {
        throw new JambicException(
            Text.format(
                "%s is a SentencePiece model of the kind %s, and only unigram models are supported;"
                    + " train it with --model_type=unigram, or take a model that has such a file",
                file,
                model.kind >= 1 && model.kind <= KINDS.size()
                    ? KINDS.get((int) model.kind - 1)
                    : Long.toString(model.kind)));
      }
      return model.unigram();
    } catch (DamagedException e) {
      throw refused(file, e.getMessage());
    } catch (IOException e) {
      throw new JambicException("cannot read " + file + ": " + ErrorText.reason(e), e);
    }
  }

  private static JambicException refused(Path file, String why) {
    return new JambicException(
        Text.format("%s is no SentencePiece model: %s; fetch or copy it again", file, why));
  }

  private SentencePiece unigram() throws DamagedException {
    Vocabulary vocabulary = new Vocabulary(pieces, byteFallback);
    List<byte[]> kept =
        pieces.stream()
            .filter(piece -> piece.type() == Piece.Type.USER_DEFINED)
            .map(Piece::utf8)
            .toList();
    Optional<Normalizer> last =
        denormalizer.map == CharacterMap.NONE
            ? Optional.empty()
            : Optional.of(denormalizer.normalizer(List.of(), false));
    return new SentencePiece(
        normalizer.normalizer(kept, spaceAtEnd),
        new Segmentation(pieces),
        byteFallback,
        new Decoder(
            vocabulary, unknownSurface, normalizer.addSpace, normalizer.removeExtraSpaces, last));
  }

  private void readModel(ProtobufReader in) throws DamagedException {
    while (in.hasNext()) {
      switch (in.next()) {
        case 1 -> pieces.add(piece(new ProtobufReader(in.bytes())));
        case 2 -> readTraining(new ProtobufReader(in.bytes()));
        case 3 -> readSpec(normalizer, new ProtobufReader(in.bytes()));
        case 5 -> readSpec(denormalizer, new ProtobufReader(in.bytes()));
        default -> in.skip(); // texts to test it with, and what others put there for themselves
      }
    }
  }

  private static Piece piece(ProtobufReader in) throws DamagedException {
    String text = "";
    float score = 0;
    long type = 1;
    while (in.hasNext()) {
      switch (in.next()) {
        case 1 -> text = in.text();
        case 2 -> score = in.float32();
        case 3 -> type = in.varint();
        default -> in.skip();
      }
    }
    Piece.Type[] types = Piece.Type.values();
    if (type < 1 || type > types.length) {
      throw new DamagedException(Text.format("it has a piece of the type %d", type));
    }
    return new Piece(text, score, types[(int) type - 1]);
  }

  /** Reads {@code TrainerSpec}; all else in it was obeyed when the model was trained. */
  private void readTraining(ProtobufReader in) throws DamagedException {
    while (in.hasNext()) {
      switch (in.next()) {
        case 3 -> kind = in.varint();
        case 24 -> spaceAtEnd = in.bool();
        case 35 -> byteFallback = in.bool();
        case 44 -> unknownSurface = in.text();
        default -> in.skip();
      }
    }
  }

  private static void readSpec(Spec spec, ProtobufReader in) throws DamagedException {
    while (in.hasNext()) {
      switch (in.next()) {
        case 2 -> spec.map = CharacterMap.of(in.bytes());
        case 3 -> spec.addSpace = in.bool();
        case 4 -> spec.removeExtraSpaces = in.bool();
        case 5 -> spec.escapeSpaces = in.bool();
        default -> in.skip(); // the name of the rules, and the rules before they became the map
      }
    }
  }
}
