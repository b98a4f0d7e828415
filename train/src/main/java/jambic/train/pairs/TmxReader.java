package jambic.train.pairs;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.XMLConstants;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * Reads translation memories (TMX 1.4): of each unit the segment of either language. A language is
 * the one named or a variety of it, so that {@code fr} takes {@code fr-CA} too; of several the
 * first that is named exactly, else the first. Codes of other programs within a segment are left
 * out, and white space in it is one space.
 */
final class TmxReader {
  /** What holds formatting codes of other programs. */
  private static final Set<String> CODES = Set.of("bpt", "ept", "it", "ph", "ut");

  private static final String PLACE = "(?s)^ParseError at .*?\nMessage: ";

  private final Path file;
  private final LanguagePair languages;
  private final Set<String> seen = new TreeSet<>();

  TmxReader(Path file, LanguagePair languages) {
    this.file = file;
    this.languages = languages;
  }

  List<Pair> read() {
    PairFile.readText(file, part -> {}); // names the first byte that is not UTF-8
    List<Pair> pairs = new ArrayList<>();
    try (InputStream in = PairFile.open(file)) {
      XMLStreamReader xml = factory().createXMLStreamReader(in, StandardCharsets.UTF_8.name());
      while (xml.hasNext()) {
        if (xml.next() == XMLStreamConstants.START_ELEMENT && xml.getLocalName().equals("tu")) {
          pairs.add(unit(xml));
        }
      }
    } catch (XMLStreamException e) {
      throw unreadable(e);
    } catch (IOException e) {
      throw PairFile.unreadable(file, e);
    }
    for (String language : List.of(languages.source(), languages.target())) {
      if (seen.stream().noneMatch(one -> isVariety(one, language))) {
        throw new JambicException(
            Text.format(
                "%s has no segment in the language %s; %s",
                file,
                ErrorText.quote(language),
                seen.isEmpty()
                    ? "it has no segments at all"
                    : "it has " + ErrorText.quote(String.join(", ", seen))));
      }
    }
    return pairs;
  }

  /**
   * A document type is common and is passed over, so that no file or address in it is opened. As it
   * can define no entities either, those that XML has itself need not be limited in number.
   */
  private static XMLInputFactory factory() {
    XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
    factory.setProperty("jdk.xml.maxGeneralEntitySizeLimit", "0");
    factory.setProperty("jdk.xml.totalEntitySizeLimit", "0");
    return factory;
  }

  private JambicException unreadable(XMLStreamException e) {
    String message = Optional.ofNullable(e.getMessage()).orElse("");
    return new JambicException(
        Text.format(
            "%s is no valid TMX (line %d, column %d): %s",
            file,
            e.getLocation().getLineNumber(),
            e.getLocation().getColumnNumber(),
            ErrorText.complaint(message.replaceFirst(PLACE, ""))),
        e);
  }

  /** The pair of a unit; a language that it lacks is an empty side. */
  private Pair unit(XMLStreamReader xml) throws XMLStreamException {
    Map<String, String> segments = new LinkedHashMap<>();
    String language = "";
    while (!isEnd(xml, "tu")) {
      if (xml.next() != XMLStreamConstants.START_ELEMENT) {
        continue;
      }
      if (xml.getLocalName().equals("tuv")) {
        language = language(xml);
        seen.add(language);
      } else if (xml.getLocalName().equals("seg")) {
        segments.putIfAbsent(language, segment(xml));
      }
    }
    return new Pair(side(segments, languages.source()), side(segments, languages.target()));
  }

  private static String language(XMLStreamReader xml) {
    String language = xml.getAttributeValue(XMLConstants.XML_NS_URI, "lang");
    String older = xml.getAttributeValue(null, "lang"); // of TMX 1.1
    return Optional.ofNullable(language).or(() -> Optional.ofNullable(older)).orElse("");
  }

  private static String side(Map<String, String> segments, String language) {
    return segments.keySet().stream()
        .filter(one -> one.equalsIgnoreCase(language))
        .findFirst()
        .or(() -> segments.keySet().stream().filter(one -> isVariety(one, language)).findFirst())
        .map(segments::get)
        .orElse("");
  }

  private static boolean isVariety(String one, String language) {
    String lower = one.toLowerCase(Locale.ROOT).replace('_', '-');
    String wanted = language.toLowerCase(Locale.ROOT).replace('_', '-');
    return lower.equals(wanted) || lower.startsWith(wanted + "-");
  }

  private static String segment(XMLStreamReader xml) throws XMLStreamException {
    StringBuilder text = new StringBuilder();
    int codes = 0;
    while (!isEnd(xml, "seg")) {
      switch (xml.next()) {
        case XMLStreamConstants.START_ELEMENT -> codes += isCode(xml) ? 1 : 0;
        case XMLStreamConstants.END_ELEMENT -> codes -= isCode(xml) ? 1 : 0;
        case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA, XMLStreamConstants.SPACE -> {
          if (codes == 0) {
            text.append(xml.getText());
          }
        }
        default -> {}
      }
    }
    return text.toString().strip().replaceAll("[ \\t\\r\\n]+", " ");
  }

  private static boolean isCode(XMLStreamReader xml) {
    return CODES.contains(xml.getLocalName());
  }

  private static boolean isEnd(XMLStreamReader xml, String element) {
    return xml.isEndElement() && xml.getLocalName().equals(element);
  }
}
