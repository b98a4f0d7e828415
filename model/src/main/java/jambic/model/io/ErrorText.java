package jambic.model.io;

import jambic.tensor.text.Text;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Locale;
import java.util.zip.ZipException;

/** Puts untrusted names and the operating system's complaints into one readable sentence. */
public final class ErrorText {
  private static final int LONGEST_QUOTE = 80;
  private static final int LONGEST_COMPLAINT = 200;

  /** Jackson's {@code (start marker at [Source: ...; line: 1, column: 1])}. */
  private static final String PARSERS_SOURCE = " ?\\(?(start marker )?at \\[Source:.*";

  private ErrorText() {}

  /**
   * A text that nobody has checked, fit for a terminal.
   *
   * @param text the text
   * @return it in single quotes, control characters escaped, cut after 80 characters
   */
  public static String quote(String text) {
    return "'" + printable(text, LONGEST_QUOTE) + "'";
  }

  /**
   * A number of things.
   *
   * @param count how many
   * @param thing the singular of a noun that takes an s
   * @return {@code 1 layer}, {@code 1,024 tokens}
   */
  public static String count(long count, String thing) {
    return Text.format("%,d %s", count, count == 1 ? thing : thing + "s");
  }

  /**
   * What a parser of JSON complains of, to end a sentence with.
   *
   * @param message its words, which may cite what it read and tell of its own source
   * @return the first line of them, without the latter, control characters escaped, cut after 200
   *     characters
   */
  public static String complaint(String message) {
    String line =
        message.lines().findFirst().orElse("unreadable").replaceFirst(PARSERS_SOURCE, "").strip();
    return printable(
        line.substring(0, 1).toLowerCase(Locale.ROOT) + line.substring(1), LONGEST_COMPLAINT);
  }

  private static String printable(String text, int longest) {
    StringBuilder printable = new StringBuilder();
    int shown = 0;
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      if (shown++ == longest) {
        return printable.append("...").toString();
      }
      int c = text.codePointAt(i);
      if (isPrintable(c)) {
        printable.appendCodePoint(c);
      } else {
        printable.append(Text.format("\\u{%X}", c));
      }
    }
    return printable.toString();
  }

  /** Whether a terminal shows the character by itself, on its line and in reading order. */
  public static boolean isPrintable(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.COMBINING_SPACING_MARK ->
          false;
      default -> true;
    };
  }

  /**
   * Why an input or output operation failed, without the class name and the path.
   *
   * @param failure what was thrown
   * @return a few words to end a sentence with
   */
  public static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException e -> "there is no such file or folder";
      case AccessDeniedException e -> "permission denied";
      case NotDirectoryException e -> "it is not a folder";
      case FileAlreadyExistsException e -> "it exists already";
      case DirectoryNotEmptyException e -> "the folder is not empty";
      case CharacterCodingException e -> "it is not valid UTF-8";
      case EOFException e -> "it is cut short; copy or download it again";
      case ZipException e -> "its compressed data is damaged; copy or download it again";
      case FileSystemException e when e.getReason() != null -> e.getReason();
      default ->
          failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    };
  }
}
