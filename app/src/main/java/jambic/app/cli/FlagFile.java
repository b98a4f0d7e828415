package jambic.app.cli;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.Utf8Reader;
import java.io.File;
import java.io.IOException;
import java.io.StreamTokenizer;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * Puts the words of flag files in the place of {@code @file}, by picocli's rules: blanks and line
 * ends divide words, quotes of either kind keep them together, {@code #} begins a comment, a file
 * may name another one, and {@code @@} begins a word with a plain {@code @}. A byte order mark,
 * which some editors write, is none of the words.
 */
public final class FlagFile {
  private static final char COMMENT = '#';
  private static final char NO_QUOTE = 0;

  private FlagFile() {}

  /**
   * The words with those of the files. A file that is not there stays a word, which {@link
   * UsageErrors#sentence} explains.
   *
   * @throws ParameterException if a file cannot be read, as a folder or somebody else's, or opens a
   *     quote that its line does not close
   */
  public static String[] expand(CommandLine root, String... words) {
    List<String> expanded = new ArrayList<>();
    for (String word : words) {
      expand(root, word, expanded, new LinkedHashSet<>());
    }
    return expanded.toArray(String[]::new);
  }

  private static void expand(
      CommandLine root, String word, List<String> expanded, Set<File> visited) {
    File file = new File(word.replaceFirst("^@", "")); // any text names one, unlike a Path
    if (!word.startsWith("@") || word.equals("@") || !word.startsWith("@@") && !file.exists()) {
      expanded.add(word);
    } else if (word.startsWith("@@")) {
      expanded.add(word.substring(1));
    } else if (visited.add(file.getAbsoluteFile())) { // a file that names itself adds nothing
      String text = read(root, file);
      requireClosedQuotes(root, file, text);
      for (String inner : split(text)) {
        expand(root, inner, expanded, visited);
      }
    }
  }

  private static String read(CommandLine root, File file) {
    if (file.isDirectory() || !file.canRead()) {
      throw new ParameterException(
          root,
          Text.format(
              "cannot read flags from %s: %s; give a text file",
              file, file.isDirectory() ? "it is a folder" : "permission denied"));
    }
    StringBuilder text = new StringBuilder();
    try {
      Utf8Reader.read(List.of(file.toPath()), text::append);
    } catch (JambicException e) {
      throw new ParameterException(root, e.getMessage(), e);
    }
    return text.toString();
  }

  private static List<String> split(String text) {
    StreamTokenizer tokenizer = new StreamTokenizer(new StringReader(text));
    tokenizer.resetSyntax();
    tokenizer.wordChars(' ', 255);
    tokenizer.whitespaceChars(0, ' ');
    tokenizer.quoteChar('"');
    tokenizer.quoteChar('\'');
    tokenizer.commentChar(COMMENT);
    List<String> words = new ArrayList<>();
    try {
      while (tokenizer.nextToken() != StreamTokenizer.TT_EOF) {
        words.add(tokenizer.sval);
      }
      return words;
    } catch (IOException e) {
      throw new IllegalStateException("a string can be read", e);
    }
  }

  /** A quote would end with its line, and what was meant to follow would be lost or other words. */
  private static void requireClosedQuotes(CommandLine root, File file, String text) {
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      char open = openQuote(line);
      if (open != NO_QUOTE) {
        throw new ParameterException(
            root,
            Text.format(
                "cannot read flags from %s: line %d opens a quote %c and does not close it; close it, or put what holds a plain %<c between quotes of the other kind",
                file, number, open));
      }
    }
  }

  /** The quote that is open at the end of a line. */
  private static char openQuote(String line) {
    char open = NO_QUOTE;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (open == NO_QUOTE && c == COMMENT) {
        return NO_QUOTE;
      }
      if (open != NO_QUOTE && c == '\\') {
        i++;
      } else if (c == open) {
        open = NO_QUOTE;
      } else if (open == NO_QUOTE && (c == '"' || c == '\'')) {
        open = c;
      }
    }
    return open;
  }
}
