package jambic.model.sentencepiece;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.SafetensorsTest;
import jambic.tensor.JambicException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Results of Google's library, release 0.2.2, and files that are none. */
@Timeout(120)
class SentencePieceTest {
  @TempDir Path folder;

  /** A model and what the library makes of texts with it. */
  record Variant(String name, Map<String, Object> fields) {
    byte[] model() {
      return Base64.getDecoder().decode((String) fields.get("model"));
    }

    List<Map<String, Object>> list(String key) {
      return ((List<?>) fields.get(key)).stream().map(SentencePieceTest::object).toList();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  @SuppressWarnings("unchecked") // the files are ours
  private static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  private static Map<String, Object> json(String name) throws IOException {
    return JSON.std.mapFrom(Files.readString(SafetensorsTest.resource(name)));
  }

  static Stream<Variant> variants() throws IOException {
    return ((List<?>) json("sentencepiece/variants.json").get("variants"))
        .stream()
            .map(SentencePieceTest::object)
            .map(fields -> new Variant((String) fields.get("name"), fields));
  }

  private static byte[] resource(String name) throws IOException {
    return Files.readAllBytes(SafetensorsTest.resource(name));
  }

  private SentencePiece read(byte[] model) throws IOException {
    return SentencePiece.read(Files.write(folder.resolve("some.spm"), model));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void textsBecomeThePiecesOfTheLibrary(Variant variant) throws IOException {
    SentencePiece model = read(variant.model());
    for (Map<String, Object> expected : variant.list("cases")) {
      String text = (String) expected.get("text");
      assertThat(model.normalize(text)).as(text).isEqualTo(expected.get("normalized"));
      List<String> pieces = model.encode(text);
      assertThat(pieces).as(text).isEqualTo(expected.get("pieces"));
      assertThat(model.decode(pieces)).as(text).isEqualTo(expected.get("decoded"));
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  @SuppressWarnings("unchecked") // the files are ours
  void piecesBecomeTheTextsOfTheLibrary(Variant variant) throws IOException {
    SentencePiece model = read(variant.model());
    for (Map<String, Object> expected : variant.list("decode")) {
      List<String> pieces = (List<String>) expected.get("pieces");
      assertThat(model.decode(pieces)).as(pieces.toString()).isEqualTo(expected.get("decoded"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"source", "target"})
  void theModelsOfOpusMtAreReadWithTheirNormalization(String side) throws IOException {
    SentencePiece model =
        SentencePiece.read(SafetensorsTest.resource("opus_tiny/" + side + ".spm"));
    Map<String, Object> tokenizer = object(json("opus_tiny/expected.json").get("tokenizer"));
    List<?> all = (List<?>) tokenizer.get(side);
    assertThat(all).hasSize(13);
    for (Object one : all) {
      Map<String, Object> expected = object(one);
      String text = (String) expected.get("text");
      List<String> pieces = model.encode(text);
      assertThat(pieces).as(text).isEqualTo(expected.get("pieces"));
      if (side.equals("source")) {
        assertThat(model.normalize(text)).as(text).isEqualTo(expected.get("normalized"));
      } else {
        assertThat(model.decode(pieces)).as(text).isEqualTo(expected.get("decoded"));
      }
    }
  }

  @Test
  void aLongTextTakesNoLongerThanItsLength() throws IOException {
    SentencePiece model = SentencePiece.read(SafetensorsTest.resource("opus_tiny/source.spm"));
    String text = "le chat rouge ".repeat(50_000);
    assertThat(model.encode(text)).hasSize(150_000);
    assertThat(model.encode("☃".repeat(100_000))).hasSize(2);
  }

  @Test
  void aModelOfAnotherKindIsRefused() throws IOException {
    Path file = SafetensorsTest.resource("sentencepiece/bpe.spm");
    assertThatThrownBy(() -> SentencePiece.read(file))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            file
                + " is a SentencePiece model of the kind BPE, and only unigram models are supported;"
                + " train it with --model_type=unigram, or take a model that has such a file");
  }

  @Test
  void aFileThatIsMissingIsOneSentence() {
    Path none = folder.resolve("none.spm");
    assertThatThrownBy(() -> SentencePiece.read(none))
        .isInstanceOf(JambicException.class)
        .hasMessage("cannot read " + none + ": there is no such file or folder");
  }

  @Test
  void noCutIsMoreThanOneSentence() throws IOException {
    for (Variant variant : variants().toList()) {
      byte[] sound = variant.model();
      for (int length = 0; length < sound.length; length += length < 300 ? 1 : 37) {
        tolerate(Arrays.copyOf(sound, length));
      }
    }
  }

  @Test
  void noDamageIsMoreThanOneSentence() throws IOException {
    Random random = new Random(1);
    for (Variant variant : variants().toList()) {
      byte[] sound = variant.model();
      for (int i = 0; i < 400; i++) {
        byte[] damaged = sound.clone();
        for (int k = random.nextInt(3); k >= 0; k--) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
        }
        tolerate(damaged);
      }
    }
  }

  @Test
  void noDamageOfTheMapOfCharactersIsMoreThanOneSentence() throws IOException {
    byte[] sound = resource("opus_tiny/source.spm");
    Random random = new Random(2);
    for (int i = 0; i < 150; i++) {
      byte[] damaged = sound.clone();
      for (int k = random.nextInt(1, 2_000); k >= 0; k--) {
        damaged[random.nextInt(2_500, damaged.length)] = (byte) random.nextInt();
      }
      tolerate(damaged);
    }
  }

  /** A damaged file is refused by name, or what is left of it works without an exception. */
  private void tolerate(byte[] damaged) throws IOException {
    try {
      SentencePiece model = read(damaged);
      List<String> pieces = model.encode(" le chat é ½ ① ﬁn ▁▁▁ 日本\u00a0👩 <x>AB");
      model.decode(pieces);
      model.decode(List.of("<0xE2>", "</s>", "▁le", "<unk>"));
    } catch (JambicException e) {
      assertThat(e.getMessage()).contains("some.spm").doesNotContain("\n");
    }
  }

  private static byte[] piece(String text, float score, int type) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer piece =
        ByteBuffer.allocate(2 + 2 + utf8.length + 5 + 2).order(ByteOrder.LITTLE_ENDIAN);
    piece.put((byte) (1 << 3 | 2)).put((byte) (piece.capacity() - 2));
    piece.put((byte) (1 << 3 | 2)).put((byte) utf8.length).put(utf8);
    piece.put((byte) (2 << 3 | 5)).putFloat(score);
    return piece.put((byte) (3 << 3)).put((byte) type).array();
  }

  private void assertRefused(String why, byte[]... parts) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    assertThatThrownBy(() -> read(all.toByteArray()))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            folder.resolve("some.spm")
                + " is no SentencePiece model: "
                + why
                + "; fetch or copy it again");
  }

  @Test
  void whatTheLibraryRefusesIsRefused() throws IOException {
    byte[] unknown = piece("<unk>", 0, 2);
    byte[] a = piece("a", -1, 1);
    assertRefused("it has no pieces to cut a text into");
    assertRefused("it has no pieces to cut a text into", unknown);
    assertRefused("it has 0 pieces for what is unknown, not one", a);
    assertRefused("it has 2 pieces for what is unknown, not one", unknown, a, piece("?", 0, 2));
    assertRefused("it has the piece 'a' twice", unknown, a, a);
    assertRefused("it has a piece without text", unknown, a, piece("", -1, 1));
    assertRefused("it has a piece of the type 9", unknown, a, piece("b", -1, 9));
    assertRefused("its piece 'b' is no byte", unknown, a, piece("b", -1, 6));
    assertRefused("it has 1 piece for bytes, not 0", unknown, a, piece("<0x41>", -1, 6));
    assertRefused("the score of its piece 'b' is NaN", unknown, a, piece("b", Float.NaN, 1));
    byte[] fallback = {2 << 3 | 2, 3, (byte) 0x98, 2, 1}; // field 35 of the trainer: true
    assertRefused("it has 0 pieces for bytes, not 256", unknown, a, fallback);
    assertRefused(
        "it has a text that is not UTF-8", unknown, new byte[] {10, 3, 10, 1, (byte) 0xff});
    assertRefused("it is cut short or damaged", unknown, a, new byte[] {10, 100});
    assertRefused("it has a field of the kind 3", unknown, a, new byte[] {6 << 3 | 3});
    byte[] map = {3 << 3 | 2, 8, 2 << 3 | 2, 6, 4, 0, 0, 0, 0, 0};
    assertRefused("the map of its characters is damaged", unknown, a, map);
  }
}
