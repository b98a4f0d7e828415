package jambic.model.io;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The JSON header of a safetensors file, read with distrust: after {@link #read} every tensor is
 * known to lie inside the data, sized as its type and shape say, and together they cover the data
 * without overlap or hole.
 *
 * @param metadata the free text under {@code __metadata__}
 * @param tensors the tensors by name, in the header's order
 */
record SafetensorsHeader(Map<String, String> metadata, Map<String, Slot> tensors) {
  static final String METADATA = "__metadata__";

  /** The limit of the reference implementation, which refuses longer headers too. */
  static final int LONGEST = 100_000_000;

  private static final int MOST_TENSORS = 1 << 18; // bounds the heap a header of 100 MB can claim
  private static final int MOST_DIMENSIONS = 64; // numpy's limit
  private static final JsonFactory JSON =
      new JsonFactoryBuilder()
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES) // names are data, all different
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxNumberLength(32)
                  .maxNameLength(4096)
                  .maxStringLength(LONGEST)
                  .build())
          .build();

  /**
   * Where one tensor lies.
   *
   * @param type element type
   * @param shape dimensions, outermost first
   * @param begin first byte, counted from the end of the header
   * @param end one past the last byte
   */
  record Slot(SafetensorsType type, List<Long> shape, long begin, long end) {}

  /**
   * Reads and checks a header.
   *
   * @param file how errors name the file
   * @param json the header's characters, decoded strictly
   * @param dataBytes how many bytes follow the header
   */
  static SafetensorsHeader read(String file, Reader json, long dataBytes) throws IOException {
    try (JsonParser parser = JSON.createParser(json)) {
      SafetensorsHeader header = new Parsing(file, parser).header();
      requireCover(file, header.tensors, dataBytes);
      return header;
    } catch (JacksonException e) {
      throw new JambicException(
          file + ": the header is not valid JSON: " + ErrorText.complaint(e.getOriginalMessage()),
          e);
    } catch (CharacterCodingException e) {
      throw new JambicException(file + ": the header is not valid UTF-8", e);
    }
  }

  /** The header as the file stores it: JSON, padded by spaces so that the data starts aligned. */
  byte[] toBytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(METADATA);
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      for (Map.Entry<String, Slot> entry : tensors.entrySet()) {
        Slot slot = entry.getValue();
        json.writeObjectFieldStart(entry.getKey());
        json.writeStringField("dtype", slot.type().name());
        json.writeArrayFieldStart("shape");
        for (long dimension : slot.shape()) {
          json.writeNumber(dimension);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("data_offsets");
        json.writeNumber(slot.begin());
        json.writeNumber(slot.end());
        json.writeEndArray();
        json.writeEndObject();
      }
      json.writeEndObject();
    }
    while (bytes.size() % Long.BYTES != 0) {
      bytes.write(' ');
    }
    return bytes.toByteArray();
  }

  /** Bytes of a tensor, empty if a dimension is negative or the product does not fit. */
  static Optional<Long> byteSize(SafetensorsType type, List<Long> shape) {
    try {
      long bytes = type.bytes();
      for (long dimension : shape) {
        if (dimension < 0) {
          return Optional.empty();
        }
        bytes = Math.multiplyExact(bytes, dimension);
      }
      return Optional.of(bytes);
    } catch (ArithmeticException overflow) {
      return Optional.empty();
    }
  }

  private static void requireCover(String file, Map<String, Slot> tensors, long dataBytes) {
    List<Map.Entry<String, Slot>> byBegin = new ArrayList<>(tensors.entrySet());
    byBegin.sort(
        Comparator.comparingLong((Map.Entry<String, Slot> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long covered = 0;
    for (Map.Entry<String, Slot> entry : byBegin) {
      Slot slot = entry.getValue();
      if (slot.end() > dataBytes) {
        throw wrong(
            file,
            entry.getKey(),
            Text.format(
                "ends at byte %d of the data, but the file holds only %d: it is truncated or corrupt",
                slot.end(), dataBytes));
      }
      if (slot.begin() != covered) {
        throw wrong(
            file,
            entry.getKey(),
            Text.format(
                "starts at byte %d of the data, where byte %d is the next free one: tensors %s",
                slot.begin(), covered, slot.begin() < covered ? "overlap" : "must leave no hole"));
      }
      covered = slot.end();
    }
    if (covered != dataBytes) {
      throw new JambicException(
          Text.format(
              "%s: %d bytes follow the last tensor, which belong to none: the file is corrupt",
              file, dataBytes - covered));
    }
  }

  private static JambicException wrong(String file, String tensor, String what) {
    return new JambicException(file + ": tensor " + ErrorText.quote(tensor) + " " + what);
  }

  /** One pass over the header. */
  private record Parsing(String file, JsonParser json) {

    SafetensorsHeader header() throws IOException {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new JambicException(file + ": the header is not a JSON object");
      }
      Map<String, String> metadata = new LinkedHashMap<>();
      Map<String, Slot> tensors = new LinkedHashMap<>();
      boolean metadataSeen = false;
      for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
        if (name.equals(METADATA)) {
          if (metadataSeen) {
            throw new JambicException(file + ": the header has two " + METADATA);
          }
          metadataSeen = true;
          readMetadata(metadata);
        } else if (tensors.size() == MOST_TENSORS) {
          throw new JambicException(file + ": the header lists over " + MOST_TENSORS + " tensors");
        } else if (tensors.put(name, slot(name)) != null) {
          throw wrong(file, name, "occurs twice in the header");
        }
      }
      if (json.nextToken() != null) {
        throw new JambicException(file + ": the header goes on after its JSON object");
      }
      return new SafetensorsHeader(metadata, tensors);
    }

    private void readMetadata(Map<String, String> metadata) throws IOException {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new JambicException(file + ": " + METADATA + " is not a JSON object");
      }
      for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
        if (json.nextToken() != JsonToken.VALUE_STRING) {
          throw new JambicException(
              file + ": the value of " + ErrorText.quote(key) + " in " + METADATA + " is no text");
        }
        if (metadata.put(key, json.getText()) != null) {
          throw new JambicException(
              file + ": " + ErrorText.quote(key) + " occurs twice in " + METADATA);
        }
      }
    }

    private Slot slot(String name) throws IOException {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw wrong(file, name, "is not described by a JSON object");
      }
      Optional<SafetensorsType> type = Optional.empty();
      Optional<List<Long>> shape = Optional.empty();
      Optional<List<Long>> offsets = Optional.empty();
      for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
        boolean repeated =
            switch (key) {
              case "dtype" -> {
                boolean seen = type.isPresent();
                type = Optional.of(type(name));
                yield seen;
              }
              case "shape" -> {
                boolean seen = shape.isPresent();
                shape = Optional.of(numbers(name, key, MOST_DIMENSIONS));
                yield seen;
              }
              case "data_offsets" -> {
                boolean seen = offsets.isPresent();
                offsets = Optional.of(numbers(name, key, 2));
                yield seen;
              }
              default -> throw wrong(file, name, "has the unknown key " + ErrorText.quote(key));
            };
        if (repeated) {
          throw wrong(file, name, "has two values for " + key);
        }
      }
      return slot(
          name,
          type.orElseThrow(() -> wrong(file, name, "has no dtype")),
          shape.orElseThrow(() -> wrong(file, name, "has no shape")),
          offsets.orElseThrow(() -> wrong(file, name, "has no data_offsets")));
    }

    private Slot slot(String name, SafetensorsType type, List<Long> shape, List<Long> offsets) {
      if (offsets.size() != 2) {
        throw wrong(file, name, "needs two data_offsets, got " + offsets);
      }
      long begin = offsets.get(0);
      long end = offsets.get(1);
      if (begin > end) {
        throw wrong(file, name, "ends at byte " + end + " before it begins at byte " + begin);
      }
      long bytes =
          byteSize(type, shape)
              .orElseThrow(() -> wrong(file, name, "has the impossible shape " + shape));
      if (bytes != end - begin) {
        throw wrong(
            file,
            name,
            Text.format(
                "of type %s and shape %s needs %d bytes, but its data_offsets span %d",
                type, shape, bytes, end - begin));
      }
      return new Slot(type, shape, begin, end);
    }

    private SafetensorsType type(String name) throws IOException {
      if (json.nextToken() != JsonToken.VALUE_STRING) {
        throw wrong(file, name, "has a dtype that is no text");
      }
      String type = json.getText();
      return SafetensorsType.named(type)
          .orElseThrow(() -> wrong(file, name, "has the unknown dtype " + ErrorText.quote(type)));
    }

    private List<Long> numbers(String name, String key, int most) throws IOException {
      if (json.nextToken() != JsonToken.START_ARRAY) {
        throw wrong(file, name, "has a " + key + " that is no JSON array");
      }
      List<Long> numbers = new ArrayList<>();
      while (json.nextToken() != JsonToken.END_ARRAY) {
        if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
          throw wrong(file, name, "has something other than whole numbers in its " + key);
        }
        if (numbers.size() == most) {
          throw wrong(file, name, "has more than " + most + " numbers in its " + key);
        }
        if (json.getNumberType() == JsonParser.NumberType.BIG_INTEGER || json.getLongValue() < 0) {
          throw wrong(
              file, name, "has " + json.getText() + " in its " + key + ", which is out of range");
        }
        numbers.add(json.getLongValue());
      }
      return List.copyOf(numbers);
    }
  }
}
