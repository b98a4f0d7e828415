package jambic.model.classifier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.io.SafetensorsTest;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What config.json says of labels is obeyed, or refused by its key. */
class LabelKeysTest {
  private static final Path TWO =
      SafetensorsTest.resource("hf_gpt2_classifier2/config.json").getParent();

  @TempDir Path folder;

  @Test
  void labelsThatNobodyNamedAreNumbered() throws IOException {
    String unnamed =
        Files.readString(TWO.resolve("config.json"))
            .replaceAll("(?s)\"(id2label|label2id)\": \\{[^}]*\\},", "");
    write(unnamed);
    assertThat(labels()).containsExactly("LABEL_0", "LABEL_1"); // two are meant
    write(unnamed.replace("\"n_head\"", "\"num_labels\": 3, \"n_head\""));
    assertThat(labels()).containsExactly("LABEL_0", "LABEL_1", "LABEL_2");
  }

  @Test
  void usualNumbersBesideChosenNamesSayNothing() throws IOException {
    write(
        Files.readString(TWO.resolve("config.json"))
            .replaceAll(
                "(?s)\"label2id\": \\{[^}]*\\}", "\"label2id\": {\"LABEL_0\": 0, \"LABEL_1\": 1}"));
    assertThat(labels()).containsExactly("negative", "positive");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "n_head": 4         | "n_head": 4, "num_labels": 3  | the number of labels is 3, but 'id2label' names 2
          "n_head": 4         | "n_head": 4, "num_labels": 0  | 'num_labels' is 0; a classifier has from 1 to
          single_label        | multi_label                   | 'problem_type' is 'multi_label_classification' for 2 labels, which is not supported
          single_label_classification | regression            | 'problem_type' is 'regression' for 2 labels, which is not supported
          "1": "positive"     | "2": "positive"               | must name the labels 0 to 1, and lacks 1
          "positive": 1       | "positive": 0                 | does not number the labels as 'id2label' does
          "1": "positive"     | "1": "negative"               | labels must be different names
          "pad_token_id": 0   | "pad_token_id": 61            | pad_token_id 61 is not in the vocabulary of 61
          GPT2ForSequenceClassification | GPT2ForTokenClassification | which is not supported; GPT2ForSequenceClassification is
          """)
  void refusesWhatItCannotObey(String from, String to, String message) throws IOException {
    String config = Files.readString(TWO.resolve("config.json"));
    assertThat(config).contains(from);
    String changed = config.replace(from, to);
    if (message.startsWith("labels must")) {
      changed = changed.replaceAll("(?s)\"label2id\": \\{[^}]*\\},", "");
    }
    write(changed);
    assertThatThrownBy(this::labels)
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(folder.resolve("config.json").toString())
        .hasMessageContaining(message)
        .message()
        .doesNotContain("\n");
  }

  private void write(String config) throws IOException {
    Files.writeString(folder.resolve("config.json"), config);
  }

  private List<String> labels() {
    return GptClassifier.FORMAT.readConfig(folder).labels();
  }
}
