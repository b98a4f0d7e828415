package jambic.model.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.checkpoint.TorchFiles;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of weights that want to run something, or to take more memory than they have. */
@Timeout(60)
class HostilePickleTest {
  @TempDir Path folder;

  /**
   * A pickle given as text, with % for a line's end, ~ for a zero byte and {@code <80>} for 0x80.
   */
  private static byte[] bytes(String program) {
    return Pattern.compile("<(..)>")
        .matcher(program.replace('%', '\n').replace('~', '\0'))
        .replaceAll(
            hex -> Matcher.quoteReplacement(Character.toString(Integer.parseInt(hex.group(1), 16))))
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private TorchFile open(byte[] pickle) throws IOException {
    Path file = folder.resolve("pytorch_model.bin");
    Files.write(file, TorchFiles.of(pickle, new byte[16]));
    return TorchFile.open(file);
  }

  /** A tensor over the 4 numbers of storage 0: its offset, shape and strides as opcodes. */
  private static String tensor(String view) {
    return "<80><02>}X<01>~~~actorch._utils%_rebuild_tensor_v2%"
        + "((X<07>~~~storagectorch%FloatStorage%X<01>~~~0X<03>~~~cpuK<04>tQ"
        + view
        + "<89>ccollections%OrderedDict%)RtRs.";
  }

  @Test
  void aTensorIsRead() throws IOException {
    try (TorchFile file = open(bytes(tensor("K<01>K<02><85>K<02><85>")))) {
      StoredTensor a = file.tensors(file.root()).get("a");
      assertThat(a.shape()).containsExactly(2L);
      assertThat(a.strides()).containsExactly(2L);
      assertThat(a.data().byteSize()).isEqualTo(12);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          cos%system%X<02>~~~id<85>R.       | it calls for Python's 'os.system', which weights do not need
          c__builtin__%eval%X<01>~~~1<85>R. | it calls for Python's '__builtin__.eval', which weights do not need
          X<02>~~~osX<06>~~~system<93>)R. | it calls for Python's 'os.system', which weights do not need
          (ios%system%.                         | it calls for Python's 'os.system', which weights do not need
          (cos%system%o.                        | it calls for Python's 'os.system', which weights do not need
          cos%system%)<81>.                   | it calls for Python's 'os.system', which weights do not need
          ctorch.load%x%.                       | it calls for Python's 'torch.load.x', which weights do not need
          ctorch%FloatStorage%)R.               | it makes a storage of its own
          ccollections%OrderedDict%)<81>.     | its opcode 0x81 makes something else than plain data
          (lo.                                  | its opcode 0x6c makes something else than plain data
          }}X<01>~~~xNsb.                     | it sets the attribute 'x', which weights do not need
          ctorch%FloatStorage%}b.               | it sets the state of an object, which weights do not need
          Nb.                                   | it is cut short or damaged
          }Nb.                                  | it sets the state of an object, which weights do not need
          <8a><ff>.                         | it has an integer of 255 bytes
          <8b><ff><ff><ff><7f>.       | its opcode 0x8b makes something else than plain data
          X<ff><ff><ff><7f>.            | it is cut short or damaged
          X<ff><ff><ff><ff>.            | it is cut short or damaged
          }}Ns.                                 | it is cut short or damaged
          K<01>K<01>R.                      | it is cut short or damaged
          K<01>Q.                             | it is cut short or damaged
          )Q.                                   | it refers to something else than a storage
          t.                                    | it is cut short or damaged
          (q~.                                  | it is cut short or damaged
          NN.                                   | it is cut short or damaged
          N.N                                   | it is cut short or damaged
          N                                     | it is cut short or damaged
          ccollections%OrderedDict%]<85>R.    | it makes an OrderedDict of something
          """)
  void runsNothing(String program, String sentence) {
    refused(program, sentence);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          K<01>K<04><85>K<01><85> | it has a tensor that goes beyond its storage
          K~K<05><85>K<01><85>      | it has a tensor that goes beyond its storage
          K~K<03><85>K<02><85>      | it has a tensor that goes beyond its storage
          K~K<04><85>)                  | it has a tensor that goes beyond its storage
          K~J<ff><ff><ff><ff><85>K<01><85> | it has a tensor that goes beyond its storage
          J<ff><ff><ff><ff>K<01><85>K<01><85> | it has a tensor that goes beyond its storage
          K~N<85>K<01><85>            | it has a tensor that goes beyond its storage
          K~<8a><08>~~~~~~~<40><8a><08>~~~~~~~<40><86>K~K~<86> | it has a tensor that goes beyond its storage
          """)
  void noTensorGoesBeyondItsStorage(String view, String sentence) {
    refused(tensor(view), sentence);
  }

  @Test
  void aTensorMadeOfOneNumberManyTimesTakesNoMemory() throws IOException {
    try (TorchFile file = open(bytes(tensor("K~J<ff><ff><ff><7f><85>K~<85>")))) {
      assertThatThrownBy(() -> file.tensors(file.root()))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("its tensors make more elements than there are");
    }
  }

  @Test
  void aStorageIsAsLongAsItSays() {
    String longer = tensor("K~K<01><85>K<01><85>").replace("cpuK<04>", "cpuK<05>");
    refused(longer, "the storage 'data/0' of 5 elements (F32) has 16 bytes");
    String other = tensor("K~K<01><85>K<01><85>").replace("~~~0X", "~~~1X");
    refused(other, "it lacks the storage 'data/1'");
  }

  @Test
  void deepNestingAndBombsAreBounded() throws IOException {
    byte[] deep = new byte[3_000_000];
    Arrays.fill(deep, (byte) ']');
    refused(deep, "it makes more than 2,097,152 values");
    Arrays.fill(deep, (byte) '(');
    refused(deep, "it makes more than 2,097,152 values");
    byte[] nested = new byte[2_000_000]; // lists in lists, closed again
    Arrays.fill(nested, 0, 1_000_000, (byte) ']');
    Arrays.fill(nested, 1_000_000, nested.length - 1, (byte) 'a');
    nested[nested.length - 1] = '.';
    try (TorchFile file = open(nested)) {
      assertThatThrownBy(() -> file.tensors(file.root()))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("it holds no dictionary of tensors");
    }
    StringBuilder laughs = new StringBuilder("]q~"); // each list twice in the next
    for (int i = 0; i < 60; i++) {
      laughs.append("]h<%02x>ah<%02x>aq<%02x>".formatted(i, i, i + 1));
    }
    String bomb = "}X<01>~~~a(" + laughs + "ts.";
    refusedTensors(bomb);
    ByteBuffer memo = ByteBuffer.allocate(15_000_001).order(ByteOrder.LITTLE_ENDIAN);
    memo.put((byte) 'N');
    for (int i = 0; i < 3_000_000; i++) {
      memo.put((byte) 'r').putInt(i);
    }
    refused(memo.array(), "it makes more than 2,097,152 values");
    refused(new byte[17 << 20], "its data.pkl is 17,825,792 bytes long");
  }

  @Test
  void compressedAndForeignArchivesAreNamed() throws IOException {
    Path file = folder.resolve("x.pt");
    byte[] sound = TorchFiles.of("}.".getBytes(StandardCharsets.US_ASCII), new byte[4]);
    TorchFile.open(Files.write(file, sound)).close();
    byte[] deflated = sound.clone();
    deflated[TorchFiles.find(sound, new byte[] {'P', 'K', 1, 2}) + 10] = 8;
    assertThatThrownBy(() -> TorchFile.open(Files.write(file, deflated)))
        .hasMessageContaining("its entry 'x/data.pkl' is compressed or encrypted");
    assertThatThrownBy(() -> TorchFile.open(Files.writeString(file, "version https://git-lfs")))
        .hasMessageContaining("fetch them with: git lfs pull");
    assertThatThrownBy(() -> TorchFile.open(Files.writeString(file, "GGUF\3\0\0\0")))
        .hasMessageContaining("is a GGUF file");
    assertThatThrownBy(() -> TorchFile.open(Files.writeString(file, "<html lang=en>")))
        .hasMessageContaining("is a web page");
    assertThatThrownBy(() -> TorchFile.open(Files.writeString(file, "weights")))
        .hasMessageContaining("it is no ZIP archive");
    assertThatThrownBy(() -> TorchFile.open(Files.write(file, new byte[0])))
        .hasMessageContaining("it is no ZIP archive");
    assertThatThrownBy(() -> TorchFile.open(folder)).isInstanceOf(JambicException.class);
  }

  @Test
  void numbersOf8BytesInTheExtraFieldAreObeyed() throws IOException {
    byte[] pickle = bytes(tensor("K~K<04><85>K<01><85>"));
    byte[] plain =
        TorchFiles.of(
            pickle, new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    Path file = Files.write(folder.resolve("x.pt"), zip64(plain));
    try (TorchFile torch = TorchFile.open(file)) {
      float[] values = new float[4];
      torch.tensors(torch.root()).get("a").readFloats(values, 0, 0, 4);
      torch.requireIntact();
      assertThat(values).containsExactly(1, 0, 0, 0);
    }
  }

  @Test
  void aFileThatIsCutAfterItWasOpenedDoesNotEndTheVirtualMachine() throws IOException {
    Path sound = SafetensorsTest.resource("torch/gpt2_float32/pytorch_model.bin");
    byte[] plain = Files.readAllBytes(sound);
    Path file = Files.write(folder.resolve("x.pt"), plain);
    try (TorchFile torch = TorchFile.open(file)) {
      torch.tensors(torch.root());
      Files.write(file, Arrays.copyOf(plain, 100));
      assertThatThrownBy(torch::requireIntact).isInstanceOf(InternalError.class);
    }
  }

  /** The same archive as one of more than 4 GB is: every place and size has 8 bytes. */
  private static byte[] zip64(byte[] plain) {
    ByteBuffer from = ByteBuffer.wrap(plain).order(ByteOrder.LITTLE_ENDIAN);
    int end = plain.length - 22;
    int begin = from.getInt(end + 16);
    int count = from.getShort(end + 10);
    ByteBuffer to =
        ByteBuffer.allocate(plain.length + 28 * count + 76).order(ByteOrder.LITTLE_ENDIAN);
    to.put(plain, 0, begin);
    for (int at = begin; at < end; ) {
      int name = from.getShort(at + 28);
      int start = to.position();
      to.put(plain, at, 46 + name);
      to.putInt(start + 20, -1).putInt(start + 24, -1).putInt(start + 42, -1);
      to.putShort(start + 30, (short) 28);
      to.putShort((short) 1).putShort((short) 24);
      to.putLong(from.getInt(at + 24)).putLong(from.getInt(at + 20)).putLong(from.getInt(at + 42));
      at += 46 + name + from.getShort(at + 30) + from.getShort(at + 32);
    }
    long record = to.position();
    to.putInt(0x06064b50).putLong(44).putInt(0).putLong(0);
    to.putLong(count).putLong(count).putLong(record - begin).putLong(begin);
    to.putInt(0x07064b50).putInt(0).putLong(record).putInt(1);
    to.putInt(0x06054b50).putInt(0).putInt(-1).putInt(-1).putInt(-1).putShort((short) 0);
    return Arrays.copyOf(to.array(), to.position());
  }

  private void refusedTensors(String program) throws IOException {
    try (TorchFile file = open(bytes(program))) {
      assertThatThrownBy(() -> file.tensors(file.root()))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("'a' is no tensor");
    }
  }

  private void refused(String program, String sentence) {
    refused(bytes(program), sentence);
  }

  private void refused(byte[] pickle, String sentence) {
    assertThatThrownBy(() -> open(pickle).close())
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "%s is not a file of weights as torch.save writes them: %s; fetch it again, or save the"
                    .formatted(folder.resolve("pytorch_model.bin"), sentence)
                + " weights alone, as a dictionary of tensors");
  }
}
