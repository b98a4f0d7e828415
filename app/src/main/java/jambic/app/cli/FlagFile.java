package jambic.app.cli;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.Utf8Reader;
import java.io.File;
import java.io.IOException;
import java.io.StreamTokenizer;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
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

  /**
   * A word, and where it stands.
   *
   * @param source its file; the empty name for what was typed
   */
  private record Word(String text, File source) {}

  private static final File TYPED = new File("");

  private FlagFile() {}

  /**
   * The words with those of the files. An option of a file gives way to the same one after it that
   * was typed, or stands in another file. A file that is not there stays a word, which {@link
   * UsageErrors#sentence} explains.
   *
   * @throws ParameterException if an option is given twice otherwise, or a file cannot be read, as
   *     a folder or somebody else's, or opens a quote that its line does not close
   */
  public static String[] expand(CommandLine root, String... words) {
    List<Word> expanded = new ArrayList<>();
    for (String word : words) {
      expand(root, new Word(word, TYPED), expanded, new LinkedHashSet<>());
    }
    List<String> texts = withoutOverridden(root, expanded).stream().map(Word::text).toList();
    requireOnce(root, texts);
    return texts.toArray(String[]::new);
  }

  /** Picocli would take the last one of those that stand below a heading of the help. */
  private static void requireOnce(CommandLine root, List<String> words) {
    Set<OptionSpec> seen = new HashSet<>();
    for (OptionWords one : OptionWords.of(root, words)) {
      if (!seen.add(one.option())) {
        throw new OverwrittenOptionException(one.command(), one.option(), "given twice");
      }
    }
  }

  private static List<Word> withoutOverridden(CommandLine root, List<Word> words) {
    List<Word> kept = new ArrayList<>(words);
    Map<OptionSpec, File> later = new HashMap<>();
    for (OptionWords option :
        OptionWords.of(root, words.stream().map(Word::text).toList()).reversed()) {
      File source = words.get(option.begin()).source();
      File winner = later.putIfAbsent(option.option(), source);
      if (winner != null && !source.equals(TYPED) && !source.equals(winner)) {
        kept.subList(option.begin(), option.end()).clear(); // from the end, so that indices stay
      }
    }
    return kept;
  }

  private static void expand(CommandLine root, Word typed, List<Word> expanded, Set<File> visited) {
    String word = typed.text();
    File file = new File(word.replaceFirst("^@", "")); // any text names one, unlike a Path
    if (!word.startsWith("@") || word.equals("@") || !word.startsWith("@@") && !file.exists()) {
      expanded.add(typed);
    } else if (word.startsWith("@@")) {
      expanded.add(new Word(word.substring(1), typed.source()));
    } else if (visited.add(file.getAbsoluteFile())) { // a file that names itself adds nothing
      String text = read(root, file);
      requireClosedQuotes(root, file, text);
      for (String inner : split(text)) {
        expand(root, new Word(inner, file), expanded, visited);
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
