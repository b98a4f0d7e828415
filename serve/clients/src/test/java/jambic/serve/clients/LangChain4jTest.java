package jambic.serve.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** LangChain4j. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LangChain4jTest {
  private TinyServer server;

  @BeforeAll
  void start() {
    server = new TinyServer();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private OpenAiChatModel model(String name) {
    return OpenAiChatModel.builder()
        .baseUrl(server.url())
        .apiKey(TinyServer.KEY)
        .modelName(name)
        .seed(5)
        .maxTokens(20)
        .maxRetries(0)
        .build();
  }

  @Test
  void aConversationIsTheSameWholeAndStreamed() throws Exception {
    ChatResponse whole =
        model("tiny").chat(SystemMessage.from("Be brief."), UserMessage.from("Hello?"));
    OpenAiStreamingChatModel streaming =
        OpenAiStreamingChatModel.builder()
            .baseUrl(server.url())
            .apiKey(TinyServer.KEY)
            .modelName("tiny")
            .seed(5)
            .maxTokens(20)
            .build();
    StringBuilder text = new StringBuilder();
    CompletableFuture<ChatResponse> end = new CompletableFuture<>();
    streaming.chat(
        List.of(SystemMessage.from("Be brief."), UserMessage.from("Hello?")),
        new StreamingChatResponseHandler() {
          @Override
          public void onPartialResponse(String piece) {
            text.append(piece);
          }

          @Override
          public void onCompleteResponse(ChatResponse response) {
            end.complete(response);
          }

          @Override
          public void onError(Throwable error) {
            end.completeExceptionally(error);
          }
        });
    ChatResponse streamed = end.get(30, TimeUnit.SECONDS);
    assertThat(streamed.aiMessage().text()).isEqualTo(whole.aiMessage().text());
    assertThat(text).hasToString(whole.aiMessage().text());
    assertThat(streamed.finishReason()).isEqualTo(whole.finishReason());
    assertThat(streamed.tokenUsage().outputTokenCount())
        .isEqualTo(whole.tokenUsage().outputTokenCount())
        .isPositive();
  }

  @Test
  void aModelThatIsNotThereIsAnError() {
    assertThatThrownBy(() -> model("other").chat("Hello?"))
        .isInstanceOf(LangChain4jException.class)
        .hasMessageContaining("there is no such model");
  }
}
