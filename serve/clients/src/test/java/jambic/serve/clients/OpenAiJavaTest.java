package jambic.serve.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** OpenAI's own client for Java. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenAiJavaTest {
  private TinyServer server;
  private OpenAIClient client;

  @BeforeAll
  void start() {
    server = new TinyServer();
    client = client(TinyServer.KEY);
  }

  private OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder().baseUrl(server.url()).apiKey(key).maxRetries(0).build();
  }

  @AfterAll
  void stop() {
    client.close();
    server.close();
  }

  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model("tiny")
        .addDeveloperMessage("Be brief.")
        .addUserMessage("Hello?")
        .maxCompletionTokens(20)
        .seed(5);
  }

  @Test
  void aConversationIsTheSameWholeAndStreamed() {
    ChatCompletion whole = client.chat().completions().create(chat().build());
    String text = whole.choices().get(0).message().content().orElse("");
    assertThat(whole.usage().orElseThrow().completionTokens()).isPositive();
    ChatCompletionAccumulator all = ChatCompletionAccumulator.create();
    ChatCompletionCreateParams streamed =
        chat()
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    try (StreamResponse<ChatCompletionChunk> chunks =
        client.chat().completions().createStreaming(streamed)) {
      chunks.stream().forEach(all::accumulate);
    }
    ChatCompletion collected = all.chatCompletion();
    assertThat(collected.choices().get(0).message().content().orElse("")).isEqualTo(text);
    assertThat(collected.choices().get(0).finishReason())
        .isEqualTo(whole.choices().get(0).finishReason());
    assertThat(collected.usage()).isEqualTo(whole.usage());
  }

  @Test
  void aCompletionTellsLogProbabilities() {
    CompletionCreateParams params =
        CompletionCreateParams.builder()
            .model("tiny")
            .prompt("abc")
            .maxTokens(5)
            .temperature(0)
            .logprobs(2)
            .build();
    Completion answer = client.completions().create(params);
    assertThat(answer.choices().get(0).text()).isNotEmpty();
    assertThat(answer.choices().get(0).logprobs().orElseThrow().tokenLogprobs().orElseThrow())
        .hasSize(5);
  }

  @Test
  void modelsAreListedAndTextsEmbedded() {
    assertThat(client.models().list().data().get(0).id()).isEqualTo("tiny");
    EmbeddingCreateParams params =
        EmbeddingCreateParams.builder().model("tiny").input("abc").build();
    assertThat(client.embeddings().create(params).data().get(0).embedding()).hasSize(48);
  }

  @Test
  void errorsAreOfTheKindThatTheClientKnows() {
    assertThatThrownBy(() -> client.chat().completions().create(chat().model("other").build()))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("there is no such model");
    assertThatThrownBy(
            () -> client.chat().completions().create(chat().temperature(1.5).n(99).build()))
        .isInstanceOf(BadRequestException.class)
        .hasMessageContaining("'n' must be");
    OpenAIClient stranger = client("wrong");
    assertThatThrownBy(() -> stranger.models().list()).isInstanceOf(UnauthorizedException.class);
    stranger.close();
  }
}
