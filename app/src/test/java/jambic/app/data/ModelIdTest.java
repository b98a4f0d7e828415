package jambic.app.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelIdTest {
  @ParameterizedTest
  @CsvSource({
    "gpt2, openai-community, gpt2, main, gpt2",
    "gpt2-xl, openai-community, gpt2-xl, main, gpt2-xl",
    "distilgpt2, distilbert, distilgpt2, main, distilgpt2",
    "openai-community/gpt2, openai-community, gpt2, main, gpt2",
    "me/gpt2, me, gpt2, main, me/gpt2",
    "me/m_1.5-b@main, me, m_1.5-b, main, me/m_1.5-b",
    "me/m@v1.0, me, m, v1.0, me/m@v1.0",
    "gpt2@refs/pr/9, openai-community, gpt2, refs/pr/9, gpt2@refs/pr/9",
  })
  void readsANameWithOrWithoutAnOwnerAndARevision(
      String text, String owner, String name, String revision, String shown) {
    assertThat(ModelId.of(text)).contains(new ModelId(owner, name, revision));
    assertThat(ModelId.of(text)).get().hasToString(shown);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "out",
        "gpt3",
        "/abs/path",
        "./m",
        "../m",
        "a/../b",
        "a/b/c",
        "me/",
        "/m",
        "me/m@",
        "me/m@../x",
        "me/.hidden",
        "a b/c",
        "me/m@a@b",
        "~/m",
        "me/m\u0661 "
      })
  void whatIsAPathOrAnUnknownWordIsNoName(String text) {
    assertThat(ModelId.of(text)).isEmpty();
  }

  @Test
  void aRevisionCanStandInAFoldersName() {
    assertThat(new ModelId("me", "m", "refs/pr/9").revision("--")).isEqualTo("refs--pr--9");
  }
}
