package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.JsonObject;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Tokenizers of many kinds with the ids that tokenizers 0.23 and transformers 5.18 give: every
 * entry of the file has a folder's files, as they differ from the first, and texts.
 */
class TokenizerParityTest {
  private static final Map<String, Object> FILE = file();

  @TempDir private Path folder;

  /** One folder. */
  record Variant(String name, Map<String, Object> files, List<Map<String, Object>> cases) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Map<String, Object> file() {
    try (InputStream in =
        TokenizerParityTest.class.getResourceAsStream("/jambic/model/tokenizers.json")) {
      return JSON.std.mapFrom(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @SuppressWarnings("unchecked") // the file is ours
  private static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  static Stream<Variant> variants() {
    return ((List<?>) FILE.get("variants"))
        .stream()
            .map(TokenizerParityTest::object)
            .map(fields ->
                new Variant(
                    (String) fields.get("name"),
                    object(fields.get("files")),
                    ((List<?>) fields.get("cases"))
                        .stream().map(TokenizerParityTest::object).toList()));
  }

  private void write(Variant variant) throws IOException {
    Map<String, Object> base = object(FILE.get("base"));
    Map<String, Object> model = object(base.get("model"));
    for (Map.Entry<String, Object> file : variant.files().entrySet()) {
      Path path = folder.resolve(file.getKey());
      if (file.getValue() instanceof String text) {
        Files.writeString(path, text);
      } else if (file.getKey().equals("tokenizer.json")) {
        Map<String, Object> changed = new LinkedHashMap<>(base);
        changed.putAll(object(file.getValue()));
        Map<String, Object> changedModel = new LinkedHashMap<>(model);
        changedModel.putAll(object(object(file.getValue()).getOrDefault("model", Map.of())));
        changed.put("model", changedModel);
        JsonObject.write(path, changed);
      } else {
        JsonObject.write(path, object(file.getValue()));
      }
    }
    if (!variant.files().containsKey("tokenizer.json")) {
      JsonObject.write(folder.resolve("vocab.json"), object(model.get("vocab")));
      List<String> merges =
          ((List<?>) model.get("merges"))
              .stream()
                  .map(pair -> pair instanceof List<?> two ? two.get(0) + " " + two.get(1) : pair)
                  .map(Object::toString)
                  .toList();
      Files.write(folder.resolve("merges.txt"), merges);
    }
  }

  private static int[] ids(Object list) {
    return ((List<?>) list).stream().mapToInt(Integer.class::cast).toArray();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void givesTheIdsOfHuggingFace(Variant variant) throws IOException {
    write(variant);
    Tokenizer read = Tokenizer.load(folder);
    Path saved = Files.createDirectory(folder.resolve("saved"));
    read.save(saved);
    Tokenizer back = Tokenizer.load(saved);
    assertThat(back).isEqualTo(read);
    SplittableRandom random = new SplittableRandom(8);
    assertThat(variant.cases())
        .hasSizeGreaterThan(10)
        .allSatisfy(one -> {
          String text = (String) one.get("text");
          for (Tokenizer tokenizer : List.of(read, back)) {
            assertThat(tokenizer.encodePrompt(text, true)).isEqualTo(ids(one.get("prompt")));
            assertThat(tokenizer.encode(text)).isEqualTo(ids(one.get("plain")));
            assertThat(inParts(tokenizer, text, random)).isEqualTo(ids(one.get("plain")));
          }
        });
  }

  private static int[] inParts(Tokenizer tokenizer, String text, SplittableRandom random) {
    TokenEncoder encoder = tokenizer.encoder();
    Stream.Builder<int[]> all = Stream.builder();
    for (int i = 0, end; i < text.length(); i = end) {
      end = Math.min(text.length(), i + 1 + random.nextInt(3));
      all.add(encoder.next(text.substring(i, end)));
    }
    return all.add(encoder.end()).build().flatMapToInt(java.util.stream.IntStream::of).toArray();
  }

  @Test
  void writesBackWhatTransformersSaved() throws IOException {
    Variant variant = variants().filter(one -> one.name().equals("saved")).findAny().orElseThrow();
    write(variant);
    Path saved = Files.createDirectory(folder.resolve("saved"));
    Tokenizer.load(folder).save(saved);
    Map<String, Object> expected =
        new HashMap<>(object(variant.files().get("tokenizer_config.json")));
    expected.put("tokenizer_class", "PreTrainedTokenizerFast");
    expected.put("chat_template", "{{ messages }}");
    expected.put("clean_up_tokenization_spaces", false);
    assertThat(JsonObject.read(saved.resolve("tokenizer_config.json")).values())
        .containsAllEntriesOf(expected)
        .containsEntry("model_max_length", 512)
        .containsEntry("pad_token", "<|pad|>");
    assertThat(JsonObject.read(saved.resolve("tokenizer.json")).objects("added_tokens"))
        .extracting(JsonObject::values)
        .containsAll(
            new JsonObject("", object(variant.files().get("tokenizer.json")))
                .objects("added_tokens").stream().map(JsonObject::values).toList());
  }

  @Test
  void refusesAnyKeyThatIsNotKnown() throws IOException {
    Variant variant = variants().filter(one -> one.name().equals("saved")).findAny().orElseThrow();
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      write(variant);
      Path path = folder.resolve(file);
      Map<String, Object> values = new LinkedHashMap<>(JsonObject.read(path).values());
      values.put("reverse_text", true);
      JsonObject.write(path, values);
      assertThatThrownBy(() -> Tokenizer.load(folder))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith(path + ": the key 'reverse_text' is not known");
    }
  }
}
