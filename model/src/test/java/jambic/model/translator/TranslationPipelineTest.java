package jambic.model.translator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.io.JsonObject;
import jambic.model.io.SafetensorsTest;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From text to text, as transformers does it. */
class TranslationPipelineTest {
  private static final Path DATES =
      SafetensorsTest.resource("marian_dates/config.json").getParent();
  private static final Path OPUS = SafetensorsTest.resource("opus_tiny/config.json").getParent();

  private final Backend backend = Backends.open("cpu", 2);

  @TempDir Path folder;

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void datesAreTranslatedAsByTransformers() {
    List<JsonObject> cases =
        JsonObject.read(DATES.resolve("expected.json")).objects("translations");
    List<String> sources = cases.stream().map(json -> json.text("source")).toList();
    assertThat(sources).hasSize(66);
    try (TranslationPipeline pipeline = TranslationPipeline.load(DATES, backend)) {
      TranslationPipeline greedy = pipeline.with(pipeline.settings().withBeams(1));
      for (JsonObject json : cases) {
        String source = json.text("source");
        int[] ids = pipeline.tokenizer().encodeSource(source);
        assertThat(ids).isEqualTo(ids(json, "source_ids"));
        if (source.isBlank()) {
          assertThat(pipeline.translate(source)).isEmpty();
          continue;
        }
        assertThat(greedy.translate(source)).isEqualTo(json.text("greedy"));
        Translation best = pipeline.best(List.of(source)).getFirst().getFirst();
        assertThat(best.text()).isEqualTo(json.text("beam"));
        assertThat(best.score())
            .as(source)
            .isCloseTo(json.optionalFloat("beam_score").orElseThrow(), within(1e-4));
      }
    }
  }

  private static int[] ids(JsonObject json, String key) {
    return json.optionalList(key).orElseThrow().stream().mapToInt(id -> (Integer) id).toArray();
  }

  @Test
  void anOpusFolderTranslatesAsThere() {
    List<JsonObject> cases = JsonObject.read(OPUS.resolve("expected.json")).objects("translate");
    assertThat(cases).isNotEmpty();
    try (TranslationPipeline loaded = TranslationPipeline.load(OPUS, backend)) {
      TranslationPipeline pipeline = loaded.with(loaded.settings().withMaxTokens(16));
      for (JsonObject json : cases) {
        Translation best = pipeline.best(List.of(json.text("text"))).getFirst().getFirst();
        assertThat(best.text()).isEqualTo(json.text("translation"));
        assertThat(best.score()).isCloseTo(json.optionalFloat("score").orElseThrow(), within(1e-4));
      }
    }
  }

  @Test
  void aTranslationDoesNotDependOnItsNeighboursAndBlankLinesKeepTheirPlaces() {
    List<String> lines = new ArrayList<>();
    JsonObject.read(DATES.resolve("expected.json")).objects("translations").stream()
        .map(json -> json.text("source"))
        .forEach(lines::add);
    for (int i = 0; i < 30; i++) {
      lines.add(i % 2 == 0 ? "" : " \t");
    }
    Collections.shuffle(lines, new Random(5));
    try (TranslationPipeline pipeline = TranslationPipeline.load(DATES, backend)) {
      List<List<Translation>> together = pipeline.best(lines);
      for (int i = 0; i < lines.size(); i++) {
        List<Translation> alone = pipeline.best(List.of(lines.get(i))).getFirst();
        assertThat(together.get(i)).hasSameSizeAs(alone);
        for (int rank = 0; rank < alone.size(); rank++) {
          assertThat(together.get(i).get(rank).text()).isEqualTo(alone.get(rank).text());
          assertThat(together.get(i).get(rank).score()).isEqualTo(alone.get(rank).score());
        }
        assertThat(together.get(i).getFirst().text().isEmpty()).isEqualTo(lines.get(i).isBlank());
      }
    }
  }

  @Test
  void aTextThatIsTooLongIsCutAndAllOfItTranslated() {
    String sentence = "14/05/2018. ";
    try (TranslationPipeline pipeline = TranslationPipeline.load(DATES, backend)) {
      String one = pipeline.translate("14/05/2018.");
      assertThat(pipeline.isCut(sentence)).isFalse();
      String all = sentence.repeat(40);
      assertThat(pipeline.isCut(all)).isTrue();
      assertThat(pipeline.translate(all)).isNotEmpty().hasSizeGreaterThan(20);
      assertThat(pipeline.translate("1".repeat(300))).isNotEmpty();
      assertThat(one).isNotEmpty();
    }
  }

  @Test
  void whatIsSavedTranslatesTheSame() {
    for (Path model : List.of(DATES, OPUS)) {
      Path saved = folder.resolve(model.getFileName().toString());
      String text = model.equals(DATES) ? "mars et juin 2019" : "Le chat rouge mange.";
      String before;
      try (Checkpoint<TranslatorConfig, Translator> checkpoint =
              Checkpoint.open(Translator.FORMAT, model);
          Translator translator = checkpoint.model(backend);
          TranslationPipeline pipeline = TranslationPipeline.load(model, backend)) {
        checkpoint.export(saved, translator);
        before = pipeline.translate(text);
      }
      try (TranslationPipeline pipeline = TranslationPipeline.load(saved, backend)) {
        assertThat(pipeline.translate(text)).isEqualTo(before);
      }
    }
  }

  @Test
  void aTranslatorIsNoGptAndAGptNoTranslator() {
    Path gpt = SafetensorsTest.resource("hf_gpt2_tiny/config.json").getParent();
    assertThatThrownBy(() -> TranslationPipeline.load(gpt, backend))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("'gpt2', which does not translate");
    assertThatThrownBy(() -> Gpt.load(DATES, backend))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("marian");
  }

  @Test
  void aModelWithoutTokenizerSaysSo() {
    try (Checkpoint<TranslatorConfig, Translator> checkpoint =
            Checkpoint.open(Translator.FORMAT, DATES);
        Translator translator = checkpoint.model(backend)) {
      Checkpoint.save(Translator.FORMAT, folder.resolve("bare"), translator, Optional.empty());
    }
    assertThatThrownBy(() -> TranslationPipeline.load(folder.resolve("bare"), backend))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("has no tokenizer");
  }
}
