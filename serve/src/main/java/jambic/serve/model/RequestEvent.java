package jambic.serve.model;

import jambic.serve.model.RequestMetrics.Outcome;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/**
 * A request in a recording of JFR, from when it came to its end. It stands apart from {@link
 * RequestTimer}, because it cannot be loaded in a runtime without the module jdk.jfr.
 */
@Name("jambic.Request")
@Label("Request")
@Description("A text that was generated for a client")
@Category("Jambic")
@StackTrace(false)
final class RequestEvent extends Event {
  @Label("Model")
  String model = "";

  @Label("Prompt Tokens")
  int promptTokens;

  @Label("Tokens")
  @Description("Tokens that were generated")
  int tokens;

  @Label("Queue Time")
  @Description("How long it waited before its prompt was read; -1 if it never was")
  @Timespan
  long queueTime;

  @Label("Time to First Token")
  @Description("-1 if there was none")
  @Timespan
  long timeToFirstToken;

  @Label("Finish Reason")
  @Description("stop, length, abort or error")
  String finishReason = "";

  static RequestEvent begun() {
    RequestEvent event = new RequestEvent();
    event.begin();
    return event;
  }

  void commit(RequestTimer timer, Outcome outcome) {
    if (shouldCommit()) {
      model = timer.model();
      promptTokens = timer.promptTokens();
      tokens = timer.tokens();
      queueTime = timer.queueTime().orElse(-1);
      timeToFirstToken = timer.timeToFirstToken().orElse(-1);
      finishReason = outcome.label();
      commit();
    }
  }
}
