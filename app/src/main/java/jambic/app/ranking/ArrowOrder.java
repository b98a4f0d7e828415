package jambic.app.ranking;

import jambic.app.terminal.Keyboard;
import jambic.app.terminal.Keyboard.Key;
import jambic.app.terminal.Keyboard.Kind;
import jambic.tensor.text.Text;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.stream.IntStream;

/**
 * Orders that are made with the arrow keys: answers move up and down in a list. Numbers may be
 * typed instead.
 */
final class ArrowOrder implements OrderInput {
  private static final int FRAME = 8; // columns before an answer
  private static final String CLEAR = "\r\033[K";

  private final Keyboard keys;
  private final PrintWriter out;
  private final IntSupplier width;

  ArrowOrder(Keyboard keys, PrintWriter out, IntSupplier width) {
    this.keys = keys;
    this.out = out;
    this.width = width;
  }

  @Override
  public List<String> help() {
    return List.of(
        "The arrow keys choose an answer; the space bar picks it up, the arrows move it, the space",
        "bar puts it down. = makes it equal to the one above. Enter takes the order, the best first.",
        "Or type numbers, as 2 1=3. s skips a prompt, u goes back to the one before, q stops.");
  }

  @Override
  public Optional<String> order(List<String> answers) {
    Arrangement arrangement = new Arrangement(answers.size());
    show(arrangement, answers);
    while (true) {
      Key key = keys.next();
      char typed = key.character();
      if (key.kind() == Kind.END) {
        return Optional.empty();
      } else if (key.kind() == Kind.ENTER) {
        return Optional.of(arrangement.order());
      } else if (typed >= '1' && typed <= '9') {
        return line(typed);
      } else if (typed == 's' || typed == 'u' || typed == 'q') {
        return Optional.of(String.valueOf(typed));
      }
      if (arrangement.press(key)) {
        out.print(Text.format("\033[%dA", answers.size()));
        show(arrangement, answers);
      }
    }
  }

  private void show(Arrangement arrangement, List<String> answers) {
    for (int place = 0; place < answers.size(); place++) {
      int answer = arrangement.order.get(place);
      String sign = place != arrangement.cursor ? " " : arrangement.held ? "*" : ">";
      String text = answers.get(answer).strip().replaceAll("\\s+", " ");
      int room = Math.max(1, width.getAsInt() - FRAME);
      out.println(
          Text.format(
              "%s%s %s %d  %s",
              CLEAR,
              sign,
              arrangement.equal.get(place) ? "=" : " ",
              answer + 1,
              text.codePointCount(0, text.length()) <= room
                  ? text
                  : text.substring(0, text.offsetByCodePoints(0, room))));
    }
    out.flush();
  }

  /** A line that begins with a digit, which was not shown yet. */
  private Optional<String> line(char first) {
    StringBuilder line = new StringBuilder().append(first);
    out.print("> " + line);
    while (true) {
      out.flush();
      Key key = keys.next();
      switch (key.kind()) {
        case END -> {
          return Optional.empty();
        }
        case ENTER -> {
          out.println();
          return Optional.of(line.toString());
        }
        case BACKSPACE -> {
          if (!line.isEmpty()) {
            line.deleteCharAt(line.length() - 1);
            out.print("\b \b");
          }
        }
        case CHARACTER -> {
          line.append(key.character());
          out.print(key.character());
        }
        default -> {}
      }
    }
  }

  /** Answers in an order that keys change. */
  private static final class Arrangement {
    private final List<Integer> order;
    private final List<Boolean> equal; // by place: whether it is as good as the one above
    private int cursor;
    private boolean held;

    Arrangement(int count) {
      order = new ArrayList<>(IntStream.range(0, count).boxed().toList());
      equal = new ArrayList<>(Collections.nCopies(count, false));
    }

    /** Whether the key meant something. */
    boolean press(Key key) {
      switch (key.kind()) {
        case UP -> move(cursor - 1);
        case DOWN -> move(cursor + 1);
        case CHARACTER -> {
          if (key.character() == ' ') {
            held = !held;
          } else if (key.character() == '=' && cursor > 0) {
            equal.set(cursor, !equal.get(cursor));
          } else {
            return false;
          }
        }
        default -> {
          return false;
        }
      }
      return true;
    }

    private void move(int to) {
      if (to < 0 || to >= order.size()) {
        return;
      }
      if (held) {
        Collections.swap(order, cursor, to);
      }
      cursor = to;
    }

    /** As it would be typed. */
    String order() {
      StringBuilder text = new StringBuilder();
      for (int place = 0; place < order.size(); place++) {
        text.append(place == 0 ? "" : equal.get(place) ? "=" : " ").append(order.get(place) + 1);
      }
      return text.toString();
    }
  }
}
