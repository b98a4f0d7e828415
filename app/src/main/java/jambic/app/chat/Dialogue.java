package jambic.app.chat;

import jambic.app.cli.Interruptible;
import jambic.app.terminal.CtrlC;
import jambic.app.terminal.LineInput;
import jambic.model.chat.ChatAnswer;
import jambic.model.chat.ChatSession;
import jambic.model.chat.ChatTemplate;
import jambic.model.generate.Completion;
import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Questions of a person or of a pipe, and the answers. What is typed wrong is said, and the
 * conversation goes on; a pipe's program ends with a failure then.
 */
final class Dialogue {
  private final PrintWriter out;
  private final PrintWriter err;
  private final ChatSession session;
  private final LineInput lines;
  private final boolean live;
  private boolean going = true;
  private boolean mistaken;
  private boolean answering; // this and the next by the thread that hears Ctrl-C, too
  private int interruptions;

  Dialogue(CommandSpec spec, ChatSession session, LineInput lines) {
    out = spec.commandLine().getOut();
    err = spec.commandLine().getErr();
    Console console = System.console();
    live = console != null && console.isTerminal();
    this.session = session;
    this.lines = lines;
  }

  /** Goes on until the input ends, the user wants no more, or nobody reads the answers. */
  int run(Path model, ChatTemplate template) {
    if (!live) {
      talk();
      return mistaken ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.OK;
    }
    out.println(
        Text.format(
            "%s, by the chat template %s. /help has the commands, Ctrl-C stops an answer.",
            model, template.label()));
    try (CtrlC _ = CtrlC.hear(this::interrupt)) {
      talk();
    }
    return 0;
  }

  private void talk() {
    while (going) {
      prompt();
      Optional<String> line = lines.next();
      if (line.isEmpty()) {
        if (live) {
          out.println(); // behind the prompt
        }
        return;
      }
      begin(false);
      try {
        take(line.get().strip());
      } catch (JambicException e) {
        mistaken = true;
        say(live ? e.getMessage() : lines.place(lines.number()) + ": " + e.getMessage());
      }
    }
  }

  private void prompt() {
    if (live) {
      out.print("> ");
      out.flush();
    }
  }

  private void take(String line) {
    if (line.startsWith("/") && !line.startsWith("//")) {
      command(SlashCommand.of(line));
    } else if (!line.isEmpty()) {
      answer(line.startsWith("//") ? line.substring(1) : line);
    }
  }

  private void command(SlashCommand command) {
    switch (command.name()) {
      case RESET -> session.reset();
      case SYSTEM -> session.instruct(command.argument());
      case SAVE -> {
        Path file = file(command.argument());
        SavedChat.append(file, session.messages());
        say("the conversation is in " + file);
      }
      case HELP -> SlashCommand.HELP.forEach(out::println);
      case QUIT -> going = false;
    }
  }

  private static Path file(String name) {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new JambicException(ErrorText.quote(name) + " cannot be the name of a file", e);
    }
  }

  private void answer(String question) {
    begin(true);
    ChatAnswer answer;
    try {
      answer =
          session.complete(
              question,
              new Completion.Listener() {
                @Override
                public boolean onToken(GeneratedToken token) {
                  return interruptions() == 0;
                }

                @Override
                public boolean onText(String piece) {
                  out.print(piece);
                  going = !out.checkError(); // flushes, too
                  return going;
                }

                @Override
                public void onTurnsDropped(int count) {
                  say(
                      Text.format(
                          "the conversation is too long for the model; %s from the beginning %s forgotten",
                          ErrorText.count(count, "question"), count == 1 ? "is" : "are"));
                }
              });
    } finally {
      begin(false);
    }
    out.println();
    if (answer.reason() == FinishReason.LENGTH) {
      say("the answer was cut off: --max-new-tokens or the model's context has no room for more");
    }
  }

  private void say(String sentence) {
    out.flush();
    err.println("jambic: " + sentence);
    err.flush();
  }

  private synchronized void begin(boolean answer) {
    answering = answer;
    interruptions = 0;
  }

  private synchronized int interruptions() {
    return interruptions;
  }

  /** The first stops an answer, or says what the second does. */
  private synchronized void interrupt() {
    interruptions++;
    if (interruptions > 1) {
      System.exit(Interruptible.INTERRUPTED);
    } else if (!answering) {
      out.println();
      say("Ctrl-C again ends the program, and so does /quit");
      prompt();
    }
  }
}
