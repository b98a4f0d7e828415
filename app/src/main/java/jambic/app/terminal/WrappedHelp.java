package jambic.app.terminal;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi.Text;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Help in which the description of an option is one paragraph, wrapped between words: where its
 * source breaks lines does not show. A line that begins with the default stands by itself.
 */
public final class WrappedHelp extends Help {
  private static final int LAST = 4; // the column of the descriptions
  private static final String DEFAULT = "Default: ";

  private final int columns;

  /**
   * Makes the help of a command.
   *
   * @param command which
   * @param colors how it is coloured
   */
  public WrappedHelp(CommandSpec command, ColorScheme colors) {
    super(command, colors);
    columns = columns(command, colors);
  }

  @Override
  public IOptionRenderer createDefaultOptionRenderer() {
    IOptionRenderer usual = super.createDefaultOptionRenderer();
    return (option, label, colors) -> wrapped(usual.render(option, label, colors));
  }

  @Override
  public IParameterRenderer createDefaultParameterRenderer() {
    IParameterRenderer usual = super.createDefaultParameterRenderer();
    return (parameter, label, colors) -> wrapped(usual.render(parameter, label, colors));
  }

  private Text[][] wrapped(Text[]... rows) {
    List<Text> lines = new ArrayList<>();
    for (Text paragraph : paragraphs(rows)) {
      wrap(paragraph, columns, lines);
    }
    Text nothing = colorScheme().text("");
    List<Text[]> result = new ArrayList<>();
    for (Text line : lines) {
      result.add(new Text[] {nothing, nothing, nothing, nothing, line});
    }
    System.arraycopy(rows[0], 0, result.getFirst(), 0, LAST);
    return result.toArray(Text[][]::new);
  }

  private static List<Text> paragraphs(Text[]... rows) {
    List<Text> paragraphs = new ArrayList<>();
    for (Text[] row : rows) {
      Text line = row[LAST];
      if (paragraphs.isEmpty() || line.plainString().startsWith(DEFAULT)) {
        paragraphs.add(line);
      } else {
        paragraphs.add(paragraphs.removeLast().concat(" ").concat(line));
      }
    }
    return paragraphs;
  }

  private static void wrap(Text paragraph, int columns, List<Text> lines) {
    String text = paragraph.plainString();
    int begin = 0;
    while (text.length() - begin > columns) {
      int space = text.lastIndexOf(' ', begin + columns);
      if (space <= begin) {
        break; // a word that is longer than a line
      }
      lines.add(paragraph.substring(begin, space));
      begin = space + 1;
    }
    lines.add(paragraph.substring(begin));
  }

  private static int columns(CommandSpec command, ColorScheme colors) {
    Help usual = new Help(command, colors); // to measure names, ours would lay out descriptions
    int names =
        usual.calcLongOptionColumnWidth(command.options(), command.positionalParameters(), colors);
    int width = command.usageMessage().width();
    Column descriptions = TextTable.forDefaultColumns(colors, names, width).columns()[LAST];
    return descriptions.width - descriptions.indent;
  }
}
