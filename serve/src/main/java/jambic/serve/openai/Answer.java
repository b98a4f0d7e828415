package jambic.serve.openai;

import jambic.model.generate.FinishReason;
import jambic.serve.http.EventStream;
import jambic.serve.http.Exchange;
import jambic.serve.http.HttpError;
import jambic.serve.model.ServedModel;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes what an engine tells to a client, as events or as a whole. */
final class Answer {
  /** How often it is looked whether a client is there still that is told nothing. */
  private static final Duration PULSE = Duration.ofMillis(500);

  private final TextRequest request;
  private final Exchange exchange;
  private final AnswerShape shape;
  private final LogProbsJson logProbs;
  private final List<Part> parts = new ArrayList<>();
  private int open;

  /** A text, and what of it is not told yet. */
  private final class Part {
    private final int index;
    private final Choice choice;
    private final StringBuilder text = new StringBuilder();
    private final List<Choice.Placed> tokens = new ArrayList<>();
    private boolean begun;
    private int shift; // of offsets, behind an echoed prompt
    private Optional<FinishReason> end = Optional.empty();

    Part(int index) {
      this.index = index;
      choice = new Choice(request.host().served().tokenizer(), request.endTokens());
    }

    /** The prompt stands before everything else, where it is asked for. */
    void begin(Generation generation) {
      if (!begun && request.echo()) {
        int[] prompt = request.promptOf(index);
        List<Choice.Placed> placed = logProbs.placed(prompt, generation.promptLogProbs(index));
        String echoed = request.host().served().tokenizer().decode(prompt);
        text.append(echoed);
        tokens.addAll(placed);
        shift = Choice.characters(echoed);
      }
      begun = true;
    }

    void add(List<Choice.Placed> placed) {
      placed.forEach(p -> tokens.add(new Choice.Placed(p.id(), p.logProbs(), shift + p.offset())));
    }

    Optional<Map<String, Object>> logProbs() {
      if (!request.logProbs() || tokens.isEmpty()) {
        return Optional.empty();
      }
      return Optional.of(request.chat() ? logProbs.ofChat(tokens) : logProbs.ofCompletion(tokens));
    }

    void clear() {
      text.setLength(0);
      tokens.clear();
    }
  }

  Answer(TextRequest request, Exchange exchange) {
    this.request = request;
    this.exchange = exchange;
    ServedModel served = request.host().served();
    shape =
        new AnswerShape(
            served.id(), request.chat(), request.includeUsage(), request.promptTokens());
    logProbs = new LogProbsJson(served.tokenizer());
    for (int i = 0; i < request.requests().size(); i++) {
      parts.add(new Part(i));
    }
    open = parts.size();
  }

  /** Writes all of it, and cancels what is in work when the client leaves. */
  void write() throws IOException {
    exchange.header("X-Request-Id", shape.id());
    try (Generation generation = submit()) {
      if (request.stream()) {
        stream(generation);
      } else {
        whole(generation);
      }
    }
  }

  private Generation submit() {
    try {
      return new Generation(request);
    } catch (JambicException e) {
      throw HttpError.ofField(request.chat() ? "messages" : "prompt", e.getMessage());
    }
  }

  private void stream(Generation generation) throws IOException {
    EventStream events = exchange.events();
    if (request.chat()) {
      for (Part part : parts) {
        events.send(shape.role(part.index));
      }
    } else {
      events.ping(); // the header goes out
    }
    while (open > 0) {
      Optional<GenerationEvent> event = next(generation);
      if (event.isEmpty()) {
        events.ping();
        continue;
      }
      Part part = take(event.get(), generation);
      if (!part.text.isEmpty() || part.end.isPresent()) {
        events.send(shape.piece(part.index, part.text.toString(), part.logProbs(), part.end));
        part.clear();
      }
    }
    if (request.includeUsage()) {
      events.send(shape.usageChunk(completionTokens()));
    }
    events.event("[DONE]");
  }

  private void whole(Generation generation) throws IOException {
    long looked = System.nanoTime();
    while (open > 0) {
      Optional<GenerationEvent> event = next(generation);
      if (event.isPresent()) {
        take(event.get(), generation);
      }
      if (System.nanoTime() - looked > PULSE.toNanos()) { // also while tokens come
        exchange.space();
        looked = System.nanoTime();
      }
    }
    List<Map<String, Object>> choices =
        parts.stream()
            .map(part ->
                shape.choice(
                    part.index, part.text.toString(), part.logProbs(), part.end.orElseThrow()))
            .toList();
    exchange.finishJson(shape.whole(choices, completionTokens()));
  }

  private int completionTokens() {
    return parts.stream().mapToInt(part -> part.choice.tokens()).sum();
  }

  private Optional<GenerationEvent> next(Generation generation) throws IOException {
    if (exchange.isGone()) {
      throw new IOException("the client has left");
    }
    return generation.next(PULSE);
  }

  /** Notes what came; the part that it is of. */
  private Part take(GenerationEvent event, Generation generation) {
    Part part = parts.get(event.choice());
    if (!(event instanceof GenerationEvent.Failed)) {
      part.begin(generation);
    }
    switch (event) {
      case GenerationEvent.Said said -> {
        said.tokens().forEach(part.choice::chosen);
        part.text.append(said.piece());
        part.add(part.choice.said(said.piece()));
      }
      case GenerationEvent.Ended ended -> {
        requireOwnEnd(ended.reason());
        ended.tokens().forEach(part.choice::chosen);
        part.add(part.choice.ended(ended.reason()));
        part.end = Optional.of(ended.reason());
        open--;
      }
      case GenerationEvent.Failed failed -> throw failure(failed.why());
    }
    return part;
  }

  /** Nobody but the end of the server cancels what a client still waits for. */
  private static void requireOwnEnd(FinishReason reason) {
    if (reason == FinishReason.CANCELLED) {
      throw HttpError.of(503, "the server is shutting down")
          .withCode("draining")
          .withRetryAfter(Duration.ofSeconds(5));
    }
  }

  private static HttpError failure(RuntimeException why) {
    return HttpError.of(
        500, why instanceof JambicException ? why.getMessage() : "the model failed: " + why);
  }
}
